"""Ranges are sets: every operation agrees with Python's own sets."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.contract import Ranges

numbers = st.sets(st.integers(0, 60))
intervals = st.tuples(st.integers(0, 60), st.integers(0, 60))


def ranges(members: set[int]) -> Ranges:
    return Ranges.from_intervals((n, n) for n in members)


def is_tidy(one: Ranges) -> bool:
    pairs = one.intervals
    ordered = all(first <= last for first, last in pairs)
    return ordered and all(a[1] + 1 < b[0] for a, b in pairwise(pairs))


@given(numbers, numbers)
def test_union_intersection_and_difference_are_those_of_sets(a: set[int], b: set[int]) -> None:
    for found, expected in (
        (ranges(a) | ranges(b), a | b),
        (ranges(a) & ranges(b), a & b),
        (ranges(a) - ranges(b), a - b),
        (Ranges.union([ranges(a), ranges(b)]), a | b),
    ):
        assert set(found.numbers()) == expected
        assert len(found) == len(expected)
        assert is_tidy(found)


@given(numbers, intervals)
def test_one_interval_is_added_and_taken_away_like_any_other_set(
    a: set[int], pair: tuple[int, int]
) -> None:
    one, as_set = Ranges.of(*pair), set(range(pair[0], pair[1] + 1))
    for found, expected in (
        (ranges(a) | one, a | as_set),
        (ranges(a) & one, a & as_set),
        (one & ranges(a), a & as_set),
        (ranges(a) - one, a - as_set),
    ):
        assert set(found.numbers()) == expected
        assert is_tidy(found)


@given(numbers, st.integers(0, 60))
def test_membership_and_head(a: set[int], n: int) -> None:
    assert (n in ranges(a)) == (n in a)
    assert list(ranges(a).head(n).numbers()) == sorted(a)[:n]


@given(numbers)
def test_text_reads_back(a: set[int]) -> None:
    assert Ranges.parse(str(ranges(a))) == ranges(a)
