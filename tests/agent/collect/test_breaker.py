"""Pure decisions: whom to ask how seldom, and on which grid."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.collect.beats import GRAIN, SPREAD, beat_after, first_beats
from agent.collect.breaker import Breaker, Policy


def breaker(period: float = 1.0, draw: float = 0.5) -> Breaker:
    return Breaker(Policy(), period, draw=lambda: draw)


def test_it_opens_at_the_third_loss_in_a_row() -> None:
    one = breaker()
    for _ in range(2):
        one.lost()
        assert not one.open
    one.lost()
    assert one.open


def test_an_answer_in_between_starts_the_count_anew() -> None:
    one = breaker()
    for _ in range(5):
        one.lost()
        one.lost()
        one.answered()
    assert not one.open


def test_an_answer_closes_it() -> None:
    one = breaker()
    for _ in range(7):
        one.lost()
    one.answered()
    assert not one.open
    assert one.delay() == 10


def test_probes_come_after_10_s_and_then_at_most_60_s_apart() -> None:
    one = breaker()
    assert [one.delay() for _ in range(6)] == [10, 20, 40, 60, 60, 60]


def test_a_device_that_is_asked_seldom_is_not_probed_more_often() -> None:
    assert breaker(period=30).delay() == 30
    assert breaker(period=3600).delay() == 3600


def test_delays_have_jitter_both_ways() -> None:
    assert breaker(draw=0.0).delay() == 9
    assert breaker(draw=1.0).delay() == 11


seconds = st.floats(0.05, 86400)


@given(beat=st.floats(0, 1e6), period=seconds, late=st.floats(0, 1e5))
def test_the_next_beat_is_on_the_grid_and_not_more_than_a_period_away(
    beat: float, period: float, late: float
) -> None:
    following = beat_after(beat, period, beat + late)
    steps = (following - beat) / period
    assert abs(steps - round(steps)) < 1e-3
    assert -1e-6 <= following - (beat + late) <= period * (1 + 1e-6) + 1e-6


@given(st.lists(st.sampled_from([0.5, 1.0, 10.0, 3600.0]), max_size=40))
def test_first_beats_come_soon_and_apart(periods: list[float]) -> None:
    beats = first_beats(periods, 100.0)
    for period in set(periods):
        same = [b for b, p in zip(beats, periods, strict=True) if p == period]
        assert all(100 <= beat <= 100 + min(period, SPREAD) + GRAIN for beat in same)
        assert all(
            abs(later - earlier - min(period, SPREAD) / len(same)) <= GRAIN * 1.01
            for earlier, later in pairwise(same)
        )


@given(st.floats(0, 1e6))
def test_first_beats_of_all_wires_share_their_wake_ups(start: float) -> None:
    for beat in first_beats([1.0] * 7, start):
        assert abs(beat / GRAIN - round(beat / GRAIN)) < 1e-6
