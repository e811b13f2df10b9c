"""Takes what a device says of its own accord."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace

from agent.clock import Clock
from agent.collect.breaker import PATIENT, Breaker, Policy
from agent.collect.health import Health, bad_readings
from agent.contract import (
    Device,
    Event,
    GatewayError,
    LinkLost,
    Misconfigured,
    Reading,
    Record,
    Sink,
    StreamingDriver,
)
from agent.contract.errors import CHILD_ENDED, WIRE_GONE
from agent.status import Board

log = logging.getLogger(__name__)

STEADY = 60.0  # s that a process of a device's own must live for its next end to be a first one


async def listen(
    device: Device,
    driver: StreamingDriver,
    sink: Sink,
    clock: Clock,
    board: Board,
    policy: Policy = PATIENT,
) -> None:
    """Until cancelled; returns when the device is parked. Raises what the sink raises, and a
    driver's bug at the fifth in a row."""
    listener = _Listener(device, driver, clock, board, policy)
    try:
        while not listener.parked:
            records = await listener.next()
            if records:
                await sink.put(records)
            if any(isinstance(record, Event) for record in records):
                await sink.flush()
            await listener.rest()
    finally:
        await listener.close()


class _Listener:
    """Turns what the driver says, and how it fails, into records."""

    def __init__(
        self, device: Device, driver: StreamingDriver, clock: Clock, board: Board, policy: Policy
    ) -> None:
        self.parked = False
        self._device, self._driver, self._clock, self._policy = device, driver, clock, policy
        self._health = Health(device, board.device(device.id), clock)
        self._breaker = Breaker(policy, 0.0)
        self._crashes = Breaker(replace(policy, first=policy.look), 0.0)
        self._opened = 0.0
        self._stream: AsyncIterator[Reading | Event] | None = None
        self._rest = 0.0
        self._bugs = 0

    async def next(self) -> list[Record]:
        """What is to be stored of the next thing that comes, or of its failing to come."""
        try:
            record = await self._hear()
        except Misconfigured as error:
            self.parked = True
            return self._bad(error, self._health.parked(error, len(self._driver.points)))
        except GatewayError as error:
            return await self._lost(error)
        except Exception as error:  # noqa: BLE001  logged with its traceback
            self._bug(error)
            return await self._lost(error)
        self._breaker.answered()
        self._bugs = 0
        events = self._health.read([record], 0.0) if isinstance(record, Reading) else []
        return [record, *events]

    async def rest(self) -> None:
        """Before the driver is opened again."""
        pause, self._rest = self._rest, 0.0
        if pause:
            await asyncio.sleep(pause)

    async def close(self) -> None:
        stream, self._stream = self._stream, None
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
        await self._driver.close()

    async def _hear(self) -> Reading | Event:
        if self._stream is None:
            self._opened = time.monotonic()
            await self._driver.open()
            self._stream = aiter(self._driver.readings())
        try:
            return await anext(self._stream)
        except StopAsyncIteration:
            raise LinkLost(
                "{device} fell silent", hint="look after its power", device=self._device.id
            ) from None

    async def _lost(self, error: Exception) -> list[Record]:
        await self.close()
        gone = isinstance(error, LinkLost) and error.reason in WIRE_GONE
        wait = error.retry_after if isinstance(error, LinkLost) else 0.0
        self._rest = max(wait, self._pause(error))
        bad = len(self._driver.points)
        return self._bad(error, self._health.failed(error, bad, down=True, complain=not gone))

    def _pause(self, error: Exception) -> float:
        """A process is started again soon, but later each time while it does not live long."""
        reason = error.reason if isinstance(error, LinkLost) else ""
        if reason in WIRE_GONE:
            return self._policy.look
        if reason not in CHILD_ENDED:
            return self._breaker.delay()
        if time.monotonic() - self._opened > STEADY:
            self._crashes.answered()
        return self._crashes.delay()

    def _bug(self, error: Exception) -> None:
        self._bugs += 1
        log.error("%s: bug %d in a row in its driver", self._device.id, self._bugs, exc_info=error)
        if self._bugs >= self._policy.bugs:
            raise error

    def _bad(self, error: Exception, events: list[Event]) -> list[Record]:
        return [*bad_readings(self._device, self._driver.points, error, self._clock), *events]
