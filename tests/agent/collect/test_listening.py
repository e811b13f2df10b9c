"""Devices that speak of their own accord."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from agent.clock import Clock
from agent.collect import Policy, listen
from agent.contract import Device, Event, LinkLost, Misconfigured, PointInfo, Reading
from agent.status import Board

Until = Callable[[Callable[[], Any]], Awaitable[None]]
FAST = Policy(first=0.02, longest=0.04, look=0.01)
BEACON = Device("beacon", "radio", every=10.0)


class Beacon:
    """Says what is put into it: readings, events; an exception is raised."""

    points = (PointInfo("level", "m"),)

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[Reading | Event | Exception | None] = asyncio.Queue()
        self.opens = self.closes = 0

    async def open(self) -> None:
        self.opens += 1

    async def close(self) -> None:
        self.closes += 1

    async def readings(self) -> AsyncIterator[Reading | Event]:
        while (item := await self.inbox.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def says(self, *items: Reading | Event | Exception | None) -> None:
        for item in items:
            self.inbox.put_nowait(item)


def reading(value: float) -> Reading:
    return Reading("beacon", "level", value, "m", Clock().now())


class Listening:
    def __init__(self, sink: Any) -> None:
        self.beacon, self.sink, self.board = Beacon(), sink, Board()
        self.status = self.board.device("beacon")
        self.task = asyncio.create_task(
            listen(BEACON, self.beacon, sink, Clock(), self.board, FAST)
        )


@pytest.fixture
async def radio(sink: Any) -> AsyncIterator[Listening]:
    one = Listening(sink)
    yield one
    one.task.cancel()
    await asyncio.gather(one.task, return_exceptions=True)


async def test_what_comes_is_stored_as_it_comes(radio: Any, until: Until) -> None:
    radio.beacon.says(reading(1), reading(2))
    await until(lambda: len(radio.sink.good()) == 2)
    assert [r.value for r in radio.sink.good()] == [1, 2]
    assert radio.status.state == "ok"


async def test_events_are_flushed_to_disk(radio: Any, until: Until) -> None:
    radio.beacon.says(Event("button.pressed", "beacon", Clock().now(), {}))
    await until(lambda: radio.sink.flushed == 1)
    assert radio.sink.events() == [("button.pressed", "beacon")]


async def test_a_lost_link_makes_bad_readings_and_is_opened_anew(radio: Any, until: Until) -> None:
    radio.beacon.says(reading(1), LinkLost("adapter gone", reason="no_adapter"), reading(2))
    await until(lambda: len(radio.sink.good()) == 2)
    assert [r.reason for r in radio.sink.bad()] == ["no_adapter"]
    assert radio.sink.events() == [("device.lost", "beacon"), ("device.back", "beacon")]
    assert radio.beacon.opens == 2


async def test_the_log_names_the_device_once(
    radio: Any, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    radio.beacon.says(
        LinkLost("{device}: its process ended", reason="child_died", device="beacon"), reading(2)
    )
    await until(radio.sink.good)
    assert caplog.messages[0].startswith("beacon: its process ended; ")


async def test_a_stream_that_ends_is_a_lost_link(radio: Any, until: Until) -> None:
    radio.beacon.says(None, reading(2))
    await until(radio.sink.good)
    assert radio.sink.events()[0] == ("device.lost", "beacon")


async def test_a_misconfigured_device_is_parked(radio: Any) -> None:
    radio.beacon.says(Misconfigured("no such adapter", hint="correct `adapter:`"))
    await radio.task
    assert radio.status.state == "parked"
    assert radio.sink.events() == [("device.parked", "beacon")]
    assert radio.beacon.closes == 1


async def test_the_fifth_bug_in_a_row_ends_it(radio: Any) -> None:
    radio.beacon.says(*(ZeroDivisionError("oh") for _ in range(5)))
    with pytest.raises(ZeroDivisionError):
        await radio.task
    assert radio.beacon.opens == 5


async def test_stopping_closes_the_driver(radio: Any, until: Until) -> None:
    radio.beacon.says(reading(1))
    await until(radio.sink.good)
    radio.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await radio.task
    assert radio.beacon.closes == 1
