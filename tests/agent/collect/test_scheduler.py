"""One scheduler, scripted devices; periods of some 10 ms stand for seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from agent.collect import Policy, scheduler
from agent.contract import DeviceFault, LinkLost, Misconfigured, Reading

Until = Callable[[Callable[[], Any]], Awaitable[None]]
Rounds = Callable[..., Any]


async def test_every_device_is_read_at_its_period(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 0.05, "b": 0.1})
    await until(lambda: len(one.drivers["b"].reads) >= 6)
    a = one.status("a")
    assert a.reads + a.skipped_beats >= 9
    assert one.status("a").state == "ok"
    assert one.status("a").values == 2 * one.status("a").reads == len(one.sink.good("a"))


async def test_slow_reads_skip_beats_and_never_pile_up(rounds: Rounds, until: Until) -> None:
    one = rounds({"slow": 0.02})
    one.drivers["slow"].takes = 0.07
    await until(lambda: len(one.drivers["slow"].reads) >= 5)
    assert all(later - earlier >= 0.07 for earlier, later in pairwise(one.drivers["slow"].reads))
    assert one.status("slow").skipped_beats >= 4


async def test_a_slow_device_does_not_starve_the_others(rounds: Rounds, until: Until) -> None:
    one = rounds({"slow": 0.02, "seldom": 0.3})
    one.drivers["slow"].takes = 0.05
    await until(lambda: len(one.drivers["seldom"].reads) >= 3)


async def test_a_failed_read_is_a_bad_reading_of_every_point(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 0.05}, run=False)
    one.drivers["a"].error = LinkLost("no answer", reason="timeout")
    one.start()
    await until(one.sink.bad)
    assert [(r.point, r.value, r.unit, r.reason) for r in one.sink.bad()[:2]] == [
        ("level", None, "m", "timeout"),
        ("flow", None, "m3/h", "timeout"),
    ]
    assert one.status("a").state == "degraded"
    assert one.status("a").bad == len(one.sink.bad())
    assert not one.sink.good()


async def test_a_dead_device_is_given_up_and_then_only_probed(rounds: Rounds, until: Until) -> None:
    one = rounds({"dead": 0.02, "alive": 0.02}, Policy(first=0.3, longest=0.6))
    one.drivers["dead"].error = LinkLost("no answer")
    await until(lambda: one.status("dead").state == "down")
    assert one.sink.events() == [("device.lost", "dead")]
    await until(lambda: len(one.drivers["dead"].reads) >= 5)
    gaps = [later - earlier for earlier, later in pairwise(one.drivers["dead"].reads)]
    assert gaps[2] >= 0.27
    assert gaps[3] >= 0.54
    assert len(one.sink.bad("dead")) == 2 * len(one.drivers["dead"].reads)
    assert one.status("alive").state == "ok"


async def test_a_device_that_returns_is_read_at_its_period_again(
    rounds: Rounds, until: Until
) -> None:
    one = rounds({"a": 0.02})
    one.drivers["a"].error = LinkLost("no answer")
    await until(lambda: one.status("a").state == "down")
    one.drivers["a"].error = None
    await until(lambda: len(one.sink.good()) > 20)
    assert one.status("a").state == "ok"
    assert one.status("a").error == ""
    assert one.sink.events() == [("device.lost", "a"), ("device.back", "a")]


async def test_events_are_flushed_to_disk(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 0.05})
    one.drivers["a"].error = LinkLost("no answer")
    await until(lambda: one.sink.flushed)
    assert one.sink.events() == [("device.lost", "a")]


async def test_it_complains_once_and_says_when_the_device_is_back(
    rounds: Rounds, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="agent.collect")
    one = rounds({"a": 0.02})
    one.drivers["a"].error = LinkLost("no answer within 1 s")
    await until(lambda: len(one.drivers["a"].reads) >= 5)
    one.drivers["a"].error = None
    await until(one.sink.good)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages[0].startswith("a: no answer within 1 s; ")
    assert caplog.messages[1].startswith("a: answers again after ")


async def test_a_device_that_says_no_is_asked_on(
    rounds: Rounds, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    one = rounds({"a": 0.02})
    one.drivers["a"].error = DeviceFault("exception 4", reason="exception_4")
    await until(lambda: len(one.drivers["a"].reads) >= 8)
    assert one.status("a").state == "degraded"
    assert {r.reason for r in one.sink.bad()} == {"exception_4"}
    assert one.sink.events() == []
    assert len(caplog.messages) == 1


async def test_a_device_that_says_no_after_being_lost_is_back(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 0.02})
    one.drivers["a"].error = LinkLost("no answer")
    await until(lambda: one.status("a").state == "down")
    one.drivers["a"].error = DeviceFault("exception 4")
    await until(lambda: one.status("a").state == "degraded")
    assert one.sink.events() == [("device.lost", "a"), ("device.back", "a")]


async def test_a_late_answer_is_waited_out_while_others_are_read(
    rounds: Rounds, until: Until
) -> None:
    one = rounds({"late": 0.02, "other": 0.02}, Policy(failures=100))
    one.drivers["late"].error = LinkLost("no answer", retry_after=0.3)
    await until(lambda: len(one.drivers["late"].reads) >= 3)
    assert all(later - earlier >= 0.3 for earlier, later in pairwise(one.drivers["late"].reads))
    assert len(one.drivers["other"].reads) > 3 * len(one.drivers["late"].reads)
    assert one.status("late").skipped_beats > 10


async def test_a_lost_wire_opens_no_breaker_and_is_looked_for_often(
    rounds: Rounds, until: Until
) -> None:
    one = rounds({"a": 60.0}, Policy(look=0.02))
    one.drivers["a"].error = LinkLost("the port is not there", reason="no_port")
    await until(lambda: len(one.drivers["a"].reads) >= 8)
    assert one.status("a").state == "down"
    assert len(one.sink.bad()) == 2, "one bad reading of each point at the beat, none at a look"
    one.drivers["a"].error = None
    await until(one.sink.good)
    assert one.sink.events() == [("device.lost", "a"), ("device.back", "a")]


async def test_devices_of_a_lost_wire_have_a_bad_reading_at_each_beat(
    rounds: Rounds, until: Until
) -> None:
    one = rounds({"a": 0.2}, Policy(look=0.02))
    one.drivers["a"].error = LinkLost("the port is not there", reason="no_port")
    await until(lambda: len(one.drivers["a"].reads) >= 30)
    beats = len(one.sink.bad()) / 2
    spent = one.drivers["a"].reads[-1] - one.drivers["a"].reads[0]
    assert 1 < beats <= spent / 0.2 + 2
    assert {r.reason for r in one.sink.bad()} == {"no_port"}


async def test_a_wire_says_when_looking_for_it_is_worth_while(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 60.0}, Policy(look=0.01))
    one.drivers["a"].error = LinkLost("refused", reason="no_peer", retry_after=0.2)
    await until(lambda: len(one.drivers["a"].reads) >= 3)
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(one.drivers["a"].reads))


async def test_a_driver_that_cannot_be_opened_is_tried_again(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 0.02}, run=False)
    one.drivers["a"].open_error = LinkLost("no answer")
    one.start()
    await until(lambda: one.drivers["a"].opens >= 4)
    assert one.drivers["a"].reads == []
    assert one.status("a").state == "down"
    one.drivers["a"].open_error = None
    await until(one.sink.good)
    opens = one.drivers["a"].opens
    await until(lambda: len(one.drivers["a"].reads) >= 5)
    assert one.drivers["a"].opens == opens


async def test_a_misconfigured_device_is_parked_and_others_go_on(
    rounds: Rounds, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    one = rounds({"wrong": 0.02, "right": 0.02}, run=False)
    one.drivers["wrong"].open_error = Misconfigured("no profile x", hint="correct `profile:`")
    one.start()
    await until(lambda: len(one.drivers["right"].reads) >= 5)
    assert one.drivers["wrong"].opens == 1
    status = one.status("wrong")
    assert (status.state, status.error, status.hint) == (
        "parked",
        "no profile x",
        "correct `profile:`",
    )
    assert {r.reason for r in one.sink.bad("wrong")} == {"configuration"}
    assert one.sink.events() == [("device.parked", "wrong")]
    assert caplog.messages == ["wrong: parked: no profile x; correct `profile:`"]


async def test_a_bug_in_one_driver_is_logged_and_the_others_go_on(
    rounds: Rounds, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    one = rounds({"buggy": 0.02, "sound": 0.02})
    one.drivers["buggy"].error = ZeroDivisionError("oh")
    await until(lambda: one.drivers["buggy"].closes)
    one.drivers["buggy"].error = None
    await until(lambda: one.sink.good("buggy"))
    assert "Traceback" in caplog.text
    assert one.drivers["buggy"].opens == 2
    assert {r.reason for r in one.sink.bad("buggy")} == {"bug"}
    assert one.status("sound").failures == 0


async def test_a_driver_that_never_returns_is_opened_anew(
    rounds: Rounds, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "READING", 0.1)
    one = rounds({"stuck": 0.02, "sound": 0.02}, Policy(first=0.05, longest=0.05))
    one.drivers["stuck"].takes = 1e6
    await until(lambda: one.drivers["stuck"].opens >= 2)
    one.drivers["stuck"].takes = 0.0
    await until(lambda: one.sink.good("stuck"))
    assert one.status("sound").failures == 0


async def test_the_fifth_bug_in_a_row_ends_the_scheduler(rounds: Rounds, until: Until) -> None:
    one = rounds({"buggy": 0.02, "sound": 0.02}, Policy(first=0.05, longest=0.05))
    one.drivers["buggy"].error = ZeroDivisionError("oh")
    with pytest.raises(ZeroDivisionError):
        await one.task
    assert len(one.drivers["buggy"].reads) == 5
    assert one.drivers["sound"].closes == 1


async def test_a_scheduler_that_ended_can_be_run_again(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 0.02}, Policy(first=0.01, longest=0.01))
    one.drivers["a"].error = ZeroDivisionError("oh")
    with pytest.raises(ZeroDivisionError):
        await one.task
    one.drivers["a"].error = None
    one.start()
    await until(one.sink.good)


async def test_a_sink_that_fails_is_no_fault_of_the_device(rounds: Rounds) -> None:
    one = rounds({"a": 0.02}, run=False)
    one.sink.error = OSError("disk full")
    one.start()
    with pytest.raises(OSError, match="disk full"):
        await one.task
    assert one.status("a").failures == 0


async def test_stopping_closes_every_driver(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 0.05, "b": 0.05})
    one.drivers["a"].takes = 0.2
    await until(lambda: one.drivers["a"].inside)
    await one.stop()
    assert [driver.closes for driver in one.drivers.values()] == [1, 1]


async def test_a_device_can_be_read_between_its_beats(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 60.0})
    await until(one.sink.good)
    stored = len(one.sink.records)
    readings = await one.scheduler.read_now("a")
    assert [reading.value for reading in readings] == [1.5, 1.5]
    assert len(one.sink.records) == stored, "what is asked out of turn is not stored"


async def test_a_read_out_of_turn_waits_for_the_one_in_progress(
    rounds: Rounds, until: Until
) -> None:
    one = rounds({"a": 0.01})
    one.drivers["a"].takes = 0.03
    await until(lambda: one.drivers["a"].inside)
    both = await asyncio.gather(one.scheduler.read_now("a"), one.scheduler.read_now("a"))
    assert [len(readings) for readings in both] == [2, 2]


async def test_a_read_out_of_turn_says_what_went_wrong(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 60.0})
    await until(one.sink.good)
    one.drivers["a"].error = DeviceFault("exception 2")
    with pytest.raises(DeviceFault, match="exception 2"):
        await one.scheduler.read_now("a")
    assert one.status("a").failures == 0


async def test_a_read_out_of_turn_that_works_brings_a_lost_device_back(
    rounds: Rounds, until: Until
) -> None:
    one = rounds({"a": 0.02}, Policy(first=30.0))
    one.drivers["a"].error = LinkLost("no answer")
    await until(lambda: one.status("a").state == "down")
    one.drivers["a"].error = None
    await one.scheduler.read_now("a")
    await until(lambda: one.status("a").state == "ok")
    await until(lambda: len(one.sink.good()) > 10)


async def test_nobody_waits_for_a_scheduler_that_stops(rounds: Rounds, until: Until) -> None:
    one = rounds({"a": 60.0})
    await until(one.sink.good)
    one.drivers["a"].takes = 30.0
    waiting = [asyncio.create_task(one.scheduler.read_now("a")) for _ in range(2)]
    await until(lambda: one.drivers["a"].inside)
    await one.stop()
    for task in waiting:
        with pytest.raises(LinkLost, match="not being asked"):
            await task
    with pytest.raises(LinkLost, match="not being asked"):
        await one.scheduler.read_now("a")


async def test_observers_see_each_stage(rounds: Rounds, until: Until) -> None:
    seen: list[tuple[str, str, int]] = []

    def see(stage: str, device: str, readings: Sequence[Reading]) -> None:
        seen.append((stage, device, len(readings)))

    one = rounds({"a": 0.02}, run=False)
    one.scheduler.observers.add(see)
    one.start()
    await until(lambda: len(seen) >= 4)
    assert seen[:4] == [("read", "a", 2), ("taken", "a", 2)] * 2


async def test_readings_that_are_partly_bad_degrade_the_device(
    rounds: Rounds, until: Until
) -> None:
    one = rounds({"a": 0.02}, run=False)
    driver = one.drivers["a"]
    whole = driver.read

    async def broken_channel() -> Sequence[Reading]:
        from dataclasses import replace

        from agent.contract import Quality

        good, other = await whole()
        return [good, replace(other, value=None, quality=Quality.BAD, reason="sensor")]

    driver.read = broken_channel
    one.start()
    await until(lambda: one.status("a").reads >= 3)
    status = one.status("a")
    assert (status.state, status.values, status.bad) == ("degraded", status.reads, status.reads)
    assert status.last_good > 0
