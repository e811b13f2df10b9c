"""Which packets are new, which are repeated, which are from before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ble.counters import FORGET, PAUSE, SETTLED, Counter, Verdict


def walk(counter: Counter, steps: list[tuple[int, float]]) -> list[Verdict]:
    """What each (value, time) means; repetitions are not taken."""
    found = []
    for value, now in steps:
        verdict = counter.judge(value, now)
        found.append(verdict if verdict is Verdict.REPEATED else counter.take(value, now))
    return found


def proven(last: int | None = None) -> Counter:
    return Counter(32, proven=True, last=last)


def plain() -> Counter:
    return Counter(8, proven=False)


F, R, O = Verdict.FRESH, Verdict.REPEATED, Verdict.OLD  # noqa: E741  a table reads better


def test_a_proven_counter_only_grows() -> None:
    assert walk(proven(), [(5, 0), (6, 1), (6, 2), (4, 3), (900, 4)]) == [F, F, R, O, F]


def test_it_is_remembered_across_a_restart() -> None:
    assert walk(proven(100), [(99, 0), (100, 1), (101, 2)]) == [O, R, F]


def test_it_does_not_wrap() -> None:
    assert walk(proven(2**32 - 1), [(0, 0), (1, 1), (2, 2)]) == [O, O, O]


def test_judging_changes_nothing() -> None:
    one = proven(10)
    assert one.judge(2**31, 0) is F
    assert one.judge(11, 0) is F


def test_a_new_battery_is_believed_after_a_minute_and_not_taken_for_good() -> None:
    one = proven(5000)
    steps = [(n, n * 30.0) for n in range(1, 6)]
    assert walk(one, steps) == [O, O, Verdict.RESTARTED, Verdict.RESTARTED, Verdict.RESTARTED]
    assert one.last == 5000
    assert walk(one, [(3, 200.0)]) == [O], "that one was heard before"
    assert walk(one, [(5001, 210.0)]) == [F]


def test_a_recording_that_is_played_fast_is_not_a_new_battery() -> None:
    assert set(walk(proven(5000), [(n, n * 0.1) for n in range(1, 100)])) == {O}


def test_a_recording_beside_the_sensor_is_two_transmitters() -> None:
    steps = [(10 + n // 2 if n % 2 else 5001 + n // 2, n * 1.0) for n in range(10)]
    found = walk(proven(5000), steps)
    assert found[0::2] == [F] * 5
    assert found[1::2] == [O, O] + [Verdict.DOUBLE] * 3


def test_a_byte_wraps() -> None:
    steps = [(n % 256, n * 1.0) for n in range(600)]
    assert set(walk(plain(), steps)) == {F}


def test_a_plain_counter_may_be_anything_after_a_pause_but_the_last() -> None:
    one = plain()
    assert walk(one, [(100, 0), (40, 1), (40, 2)]) == [F, O, R]
    assert walk(one, [(41, 2 + PAUSE), (41, 500)]) == [F, R]


def test_a_plain_sensor_that_restarts_is_followed() -> None:
    assert walk(plain(), [(100, 0), (1, 1), (2, 2), (3, 3), (4, 4)]) == [F, O, O, F, F]


def test_two_plain_transmitters_are_both_doubtful() -> None:
    steps = [(100 + n // 2 if n % 2 == 0 else 10 + n // 2, n * 1.0) for n in range(12)]
    found = walk(plain(), steps)
    assert found[:5] == [F, O, F, O, F]
    assert set(found[5:]) == {Verdict.DOUBLE}


def test_a_stray_packet_is_forgotten() -> None:
    one = plain()
    assert walk(one, [(100, 0), (10, 1), (11, 2), (101, 3)]) == [F, O, O, F]
    later = 4 + FORGET
    found = walk(one, [(n, later + n) for n in range(102, 110)])
    assert set(found) == {F}


@pytest.mark.parametrize("bits", [8, 16])
def test_a_series_after_which_nothing_else_comes_settles(bits: int) -> None:
    one = Counter(bits, proven=False)
    walk(one, [(1 << bits - 1, 0)])
    assert walk(one, [(n, 1.0 + n) for n in range(4)])[-1] is F


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.floats(0, 10)), max_size=40))
def test_no_proven_value_is_fresh_twice_or_below_one_that_was(
    moves: list[tuple[int, float]],
) -> None:
    one, now, best = proven(), 0.0, -1
    for value, pause in moves:
        now += pause
        if one.judge(value, now) is F:
            assert value > best
            best = value
        if one.judge(value, now) is not R:
            one.take(value, now)


def test_the_times_are_those_of_the_readme() -> None:
    assert (PAUSE, SETTLED, FORGET) == (60.0, 60.0, 600.0)
