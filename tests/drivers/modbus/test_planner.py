"""Plans are the cheapest there are, and never leave known ground."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.contract import Line
from drivers.modbus.planner import Block, Cost, canary, known, plan
from drivers.modbus.profile import Profile

AT_9600 = Cost.on_line(Line(9600), latency=0.02, guard=0.0)


def profile(points: dict[str, Any], **more: Any) -> Profile:
    frame = {"title": "t", "family": "other", "source": ["s"], "confidence": "high"}
    defaults = {"table": "holding", "type": "uint16", "unit": "1"}
    return Profile(
        **frame, points={name: defaults | point for name, point in points.items()}, **more
    )


def registers(*addresses: int, **more: Any) -> Profile:
    return profile({f"p{address}": {"address": address} for address in addresses}, **more)


def spans(blocks: tuple[Block, ...]) -> list[tuple[int, int]]:
    return [(block.first, block.count) for block in blocks]


def all_of(the_profile: Profile, cost: Cost = AT_9600) -> tuple[Block, ...]:
    return plan(the_profile, the_profile.points, cost)


def test_neighbours_are_read_together() -> None:
    assert spans(all_of(registers(0, 1, 2, 3, 4, 5, 6))) == [(0, 7)]


def test_a_hole_is_never_read_through() -> None:
    assert spans(all_of(registers(6, 18, 19, 21, 30, 31, 32))) == [
        (6, 1), (18, 2), (21, 1), (30, 3),
    ]  # fmt: skip


def test_known_registers_are_read_through_where_that_is_cheaper() -> None:
    soil = registers(
        6, 18, 19, 21, 30, 31, 32, readable=[{"table": "holding", "first": 6, "last": 32}]
    )
    assert spans(all_of(soil)) == [(6, 27)]
    quick = Cost.on_line(Line(9600), latency=0.0, guard=0.0)
    assert spans(all_of(soil, quick)) == [(6, 1), (18, 15)]


def test_points_that_are_not_wanted_are_known_ground() -> None:
    assert spans(plan(registers(0, 1, 2), ["p0", "p2"], AT_9600)) == [(0, 3)]


def test_tables_are_never_mixed() -> None:
    mixed = profile(
        {
            "a": {"address": 0},
            "b": {"address": 1, "table": "input"},
            "c": {"address": 0, "table": "coil", "type": "bool"},
            "d": {"address": 1, "table": "discrete", "type": "bool"},
        }
    )
    assert sorted(block.table for block in all_of(mixed)) == [
        "coil", "discrete", "holding", "input",
    ]  # fmt: skip


def test_reads_keep_to_the_limit_and_split_no_value() -> None:
    floats = {f"f{i}": {"address": 2 * i, "type": "float32"} for i in range(5)}
    assert spans(all_of(profile(floats, limits={"registers": 5}))) in (
        [(0, 4), (4, 4), (8, 2)], [(0, 4), (4, 2), (6, 4)], [(0, 2), (2, 4), (6, 4)],
    )  # fmt: skip


def test_a_device_that_gives_pairs_is_asked_for_pairs() -> None:
    pairs = registers(1, 6, limits={"align": 2})
    assert spans(all_of(pairs)) == [(0, 2), (6, 2)]


def test_a_value_wider_than_the_limit_is_a_broken_profile() -> None:
    with pytest.raises(ValidationError, match="more registers than"):
        profile({"wide": {"address": 1, "type": "float32"}}, limits={"registers": 3, "align": 2})


LAYOUTS = [  # at 9600 baud with 20 ms latency: addresses, readable extent, milliseconds
    ([*range(7)], None, 55),
    ([0, 1, 2, 3, 30, 31, 32], None, 96),
    ([0, 1, 2, 3, 30, 31, 32], (0, 32), 96),
    ([6, 18, 19, 21, 30, 31, 32], None, 178),
    ([6, 18, 19, 21, 30, 31, 32], (6, 32), 97),
    ([500, 501, 502, 503, 504, 505, 509, 511, 513], (500, 513), 70),
]


@pytest.mark.parametrize(("addresses", "extent", "milliseconds"), LAYOUTS)
def test_layouts_of_real_probes_cost_what_was_measured(
    addresses: list[int], extent: tuple[int, int] | None, milliseconds: int
) -> None:
    readable = [{"table": "holding", "first": extent[0], "last": extent[1]}] if extent else []
    cost = sum(AT_9600.of(block) for block in all_of(registers(*addresses, readable=readable)))
    assert round(cost * 1000) == milliseconds


WIDTHS = {"uint16": 1, "float32": 2, "uint64": 4}


@st.composite
def layouts(draw: st.DrawFn) -> Profile:
    places = st.tuples(st.integers(0, 40), st.sampled_from(sorted(WIDTHS)))
    points = draw(st.lists(places, min_size=1, max_size=6))
    extents = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=3))
    return profile(
        {f"p{i}": {"address": at, "type": kind} for i, (at, kind) in enumerate(points)},
        readable=[{"table": "holding", "first": a, "last": a + n} for a, n in extents],
        limits={
            "registers": draw(st.sampled_from([6, 8, 125])), "align": draw(st.sampled_from([1, 2])),
        },
    )  # fmt: skip


def cheapest(the_profile: Profile, cost: Cost) -> float:
    """By trying every set of every possible read."""
    ground, limits = known(the_profile, "holding"), the_profile.limits
    wanted = list(the_profile.points.values())
    ends = sorted({p.address + p.width for p in wanted})
    reads = set()
    for start in {p.address - p.address % limits.align for p in wanted}:
        for end in (end + end % limits.align for end in ends):
            inside = any(first <= start and end - 1 <= last for first, last in ground)
            if inside and 0 < end - start <= limits.registers:
                reads.add(Block("holding", start, end - start))
    best = float("inf")
    for size in range(1, len(wanted) + 1):
        if size * cost.read >= best:
            break
        for chosen in combinations(reads, size):
            if all(any(block.holds(p) for block in chosen) for p in wanted):
                best = min(best, sum(cost.of(block) for block in chosen))
    return best


@settings(max_examples=60, deadline=None)
@given(layouts(), st.sampled_from([0.0, 0.005, 0.05]))
def test_no_other_plan_is_cheaper(the_profile: Profile, latency: float) -> None:
    cost = Cost.on_line(Line(9600), latency, guard=0.0)
    blocks = all_of(the_profile, cost)
    ground, limits = known(the_profile, "holding"), the_profile.limits
    for block in blocks:
        assert block.count <= limits.registers
        assert block.first % limits.align == block.count % limits.align == 0
        assert any(a <= block.first and block.first + block.count - 1 <= b for a, b in ground)
    assert all(any(block.holds(p) for block in blocks) for p in the_profile.points.values())
    assert sum(cost.of(block) for block in blocks) == pytest.approx(cheapest(the_profile, cost))


def shapes(the_profile: Profile) -> set[tuple[int, int]]:
    return {block.shape for block in all_of(the_profile)}


@pytest.mark.parametrize(
    ("the_profile", "expected"),
    [
        (registers(0, 1, 2), Block("holding", 0, 1)),
        (registers(0, 5, 6), None),
        (registers(0), None),
        (registers(0, 9), None),
        (registers(0, readable=[{"table": "input", "first": 4, "last": 4}]), Block("input", 4, 1)),
        (registers(0, 2, limits={"align": 2}), Block("holding", 0, 2)),
        (registers(0, canary={"table": "holding", "address": 9, "count": 2}),
         Block("holding", 9, 2)),
        (registers(0, 1, canary={"table": "holding", "address": 9, "count": 2}),
         Block("holding", 0, 1)),
    ],
)  # fmt: skip
def test_a_canary_answers_in_a_shape_of_its_own(
    the_profile: Profile, expected: Block | None
) -> None:
    taken = shapes(the_profile)
    found = canary(the_profile, taken)
    assert found is None or found.shape not in taken
    assert found == expected


def test_coils_are_told_apart_by_bytes_not_by_count() -> None:
    eight = profile({f"c{i}": {"address": i, "table": "coil", "type": "bool"} for i in range(8)})
    assert canary(eight, shapes(eight)) is None
    sixteen = profile({f"c{i}": {"address": i, "table": "coil", "type": "bool"} for i in range(16)})
    assert canary(sixteen, shapes(sixteen)) == Block("coil", 0, 1)
