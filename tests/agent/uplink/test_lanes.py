"""Whose turn it is."""

from agent.contract import EVENTS, MEDIA, TELEMETRY, Lane
from agent.uplink.lanes import Lanes

LIVE, BACKLOG = (TELEMETRY, Lane.LIVE), (TELEMETRY, Lane.BACKLOG)
LIVE_EVENTS, OLD_EVENTS = (EVENTS, Lane.LIVE), (EVENTS, Lane.BACKLOG)
PICTURES, OLD_PICTURES = (MEDIA, Lane.LIVE), (MEDIA, Lane.BACKLOG)


def lanes() -> Lanes:
    return Lanes(live_period=1.0, probe=5.0)


def test_live_goes_before_backlog_and_events_before_telemetry() -> None:
    these = lanes()
    for topic in (LIVE_EVENTS, LIVE, OLD_EVENTS, BACKLOG, PICTURES, OLD_PICTURES):
        assert these.turn(10.0, free=20, window=20) == topic
        these.dry(topic)
    assert these.turn(10.0, free=20, window=20) is None
    these.renewed()
    assert these.turn(10.0, free=20, window=20) == LIVE_EVENTS


def test_readings_are_gathered_and_events_are_not() -> None:
    these = lanes()
    these.took(LIVE, 10.0, full=False)
    these.dry(LIVE_EVENTS)
    assert these.turn(10.5, free=20, window=20) == OLD_EVENTS
    assert these.due(10.5) == 11.0
    assert these.turn(11.0, free=20, window=20) == LIVE
    these.took(LIVE, 11.0, full=True)
    assert these.turn(11.0, free=20, window=20) == LIVE


def test_the_last_free_slot_is_kept_for_live() -> None:
    these = lanes()
    these.dry(LIVE_EVENTS)
    these.dry(LIVE)
    assert these.turn(0.0, free=2, window=2) == OLD_EVENTS
    assert these.turn(0.0, free=1, window=2) is None
    assert these.turn(0.0, free=1, window=1) == OLD_EVENTS


def test_pictures_leave_the_last_free_slot_to_what_is_urgent() -> None:
    these = lanes()
    for topic in (LIVE_EVENTS, LIVE, OLD_EVENTS, BACKLOG):
        these.dry(topic)
    assert these.turn(0.0, free=1, window=2) is None
    assert these.turn(0.0, free=2, window=2) == PICTURES


def test_a_topic_without_listener_is_asked_now_and_then_and_the_others_always() -> None:
    these = lanes()
    these.dry(LIVE_EVENTS)
    these.dry(OLD_EVENTS)
    assert these.hold(LIVE, 10.0)
    assert not these.hold(LIVE, 10.1)
    assert these.turn(10.2, free=20, window=20) == BACKLOG
    assert these.turn(15.1, free=20, window=20) == LIVE
    these.took(LIVE, 15.1, full=True)
    assert these.turn(15.2, free=20, window=20) == BACKLOG
    assert these.due(15.2) == 20.1


def test_a_listener_found_frees_every_topic() -> None:
    these = lanes()
    these.hold(LIVE, 0.0)
    these.hold(BACKLOG, 0.0)
    assert these.release(BACKLOG)
    assert not these.release(BACKLOG)
    assert not these.holding
