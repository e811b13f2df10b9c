"""A pack that is too big is split; the halves together say exactly what the whole said."""

from hypothesis import assume, given
from hypothesis import strategies as st

from agent.contract import TELEMETRY, Columns, Lane, Pack, Ranges, Skip


def columns(numbers: list[int]) -> Columns:
    """Each value is the number that it belongs to."""
    flags = {i: "uncertain" for i, n in enumerate(numbers) if n % 5 == 0}
    return Columns([("d", "p", "")], [0] * len(numbers), numbers, numbers, flags)


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    first, length = draw(st.integers(1, 50)), draw(st.integers(2, 30))
    skipped = Ranges.from_intervals(
        (n, n) for n in draw(st.sets(st.integers(first, first + length - 1)))
    )
    members = list((Ranges.of(first, first + length - 1) - skipped).numbers())
    cut = draw(st.integers(0, len(members)))
    return Pack(
        epoch="e",
        stream=TELEMETRY,
        lane=Lane.LIVE,
        first=first,
        last=first + length - 1,
        skip=tuple(Skip(a, b, "evicted") for a, b in skipped),
        columns=tuple(columns(part) for part in (members[:cut], members[cut:]) if part),
        previous=("before", 7) if first == 1 else None,
    )


def contents(pack: Pack) -> dict[int, tuple[object, bool]]:
    values = [value for part in pack.columns for value in part.values]
    flags = [i in part.flags for part in pack.columns for i in range(len(part))]
    return dict(zip(pack.members, zip(values, flags, strict=True), strict=True))


@given(packs())
def test_the_halves_account_for_the_same_numbers_and_carry_the_same_records(pack: Pack) -> None:
    assume(pack.count >= 2)
    left, right = pack.split()
    assert (left.first, left.last + 1, right.last) == (pack.first, right.first, pack.last)
    assert contents(left) | contents(right) == contents(pack)
    assert left.skipped | right.skipped == pack.skipped
    assert left.count
    assert right.count


@given(packs())
def test_every_number_of_a_pack_is_either_carried_or_skipped(pack: Pack) -> None:
    assert all(value == number for number, (value, _) in contents(pack).items())
    assert len(pack.members) + len(pack.skipped) == len(pack.range)
