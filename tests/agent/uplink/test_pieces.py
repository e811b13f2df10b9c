"""Packs cut up and joined."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.contract import EVENTS, TELEMETRY, Columns, Lane, Pack, Ranges, Skip
from agent.uplink.pieces import joined, pieces
from tests.support_uplink import columns, happening


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    """Of several columns, some numbers of which are skipped."""
    first = draw(st.integers(1, 50))
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=5))
    holes = draw(st.lists(st.integers(1, 3), max_size=2))
    body, at = [], first
    for size in sizes:
        body.append(replace(columns(size, at), flags={0: "uncertain"}))
        at += size
    last = at - 1
    skip = []
    for hole in holes:
        skip.append(Skip(last + 1, last + hole, "evicted"))
        last += hole
    stream = draw(st.sampled_from([TELEMETRY, EVENTS]))
    pack = Pack(
        "e1", stream, Lane.BACKLOG, first, last, again=draw(st.booleans()), skip=tuple(skip)
    )
    if stream == TELEMETRY:
        return replace(pack, columns=tuple(body), previous=("e0", 3))
    return replace(pack, happenings=tuple(happening(n) for n in pack.members), previous=("e0", 3))


def carried(parts: list[Pack]) -> dict[int, Any]:
    """Number -> what is sent for it."""
    found: dict[int, Any] = {}
    for part in parts:
        members: list[Any] = [*part.happenings]
        for one in part.columns:
            members += [
                (one.series[i], ms, value, one.flags.get(at, ""))
                for at, (i, ms, value) in enumerate(
                    zip(one.index, one.times, one.values, strict=True)
                )
            ]
        found.update(zip(part.members, members, strict=True))
    return found


@given(packs(), st.integers(1, 40))
def test_pieces_carry_and_account_for_the_same(pack: Pack, limit: int) -> None:
    parts = pieces(pack, limit)
    assert carried(parts) == carried([pack])
    assert all(part.count <= limit for part in parts)
    assert [part.first for part in parts] == [pack.first, *(p.last + 1 for p in parts[:-1])]
    assert parts[-1].last == pack.last
    assert Ranges.union(part.skipped for part in parts) == pack.skipped
    assert [part.previous for part in parts] == [pack.previous, *[None] * (len(parts) - 1)]
    assert {part.again for part in parts} == {pack.again}


@given(packs(), st.integers(1, 40))
def test_pieces_that_follow_each_other_are_settled_as_one(pack: Pack, limit: int) -> None:
    (whole,) = joined(pieces(pack, limit))
    assert (whole.first, whole.last) == (pack.first, pack.last)
    assert whole.skipped == pack.skipped


def test_only_neighbours_of_one_stream_and_epoch_are_joined() -> None:
    def pack(first: int, last: int, epoch: str = "e1", stream: str = TELEMETRY) -> Pack:
        return Pack(epoch, stream, Lane.BACKLOG, first, last)

    several = [pack(1, 5), pack(6, 9), pack(11, 12), pack(13, 14, "e2"), pack(15, 16, "e2", EVENTS)]
    assert [(p.epoch, p.stream, p.first, p.last) for p in joined(several)] == [
        ("e1", TELEMETRY, 1, 9),
        ("e1", TELEMETRY, 11, 12),
        ("e2", TELEMETRY, 13, 14),
        ("e2", EVENTS, 15, 16),
    ]


def test_a_pack_that_fits_stays_as_it_is() -> None:
    pack = Pack("e1", TELEMETRY, Lane.LIVE, 1, 3, columns=(columns(3),))
    assert pieces(pack, 3) == [pack]


def test_columns_are_shared_and_not_copied_where_they_fit() -> None:
    body: Columns = columns(4)
    first, second = pieces(Pack("e1", TELEMETRY, Lane.LIVE, 1, 4, columns=(body,)), 2)
    assert first.columns[0].series is body.series
    assert list(second.columns[0].values) == [3.0, 4.0]
