"""Asks the devices of one wire, one after the other, each when it is due."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from agent.clock import Clock
from agent.collect.beats import first_beats
from agent.collect.breaker import PATIENT, Policy
from agent.collect.slot import Member, Outcome, Slot
from agent.contract import GatewayError, LinkLost, Reading, Record, Sink
from agent.status import Board

__all__ = ["Member", "Observer", "Scheduler"]

log = logging.getLogger(__name__)

Observer = Callable[[str, str, Sequence[Reading]], None]

CLOSING = 1.0  # s that a driver has to let go
READING = 300.0  # s that a driver has to open and read; a longer read is a bug in it


class Scheduler:
    """For the devices of one wire, or for one device that has none.

    `observers` are called with the stage ("read", then "taken" once the sink has them), the id of
    the device, and the readings; they must not raise.
    """

    def __init__(
        self,
        wire: str,
        members: Sequence[Member],
        sink: Sink,
        clock: Clock,
        board: Board,
        policy: Policy = PATIENT,
    ) -> None:
        self.wire = wire
        self.observers: set[Observer] = set()
        self._members, self._sink, self._clock = members, sink, clock
        self._board, self._policy = board, policy
        self._slots: dict[str, Slot] = {}
        self._heap: list[tuple[float, int, Slot]] = []
        self._order = count()
        self._wishes: deque[_Wish] = deque()
        self._alarm: asyncio.Future[None] | None = None
        self._unflushed = False

    async def run(self) -> None:
        """Until cancelled. Raises what the sink raises, and a driver's bug at the fifth in a row;
        may then be run again."""
        self._begin()
        try:
            while True:
                await self._wait()
                if self._wishes:
                    await self._fulfil(self._wishes.popleft())
                elif slot := self._pop():
                    await self._serve(slot)
        finally:
            await self._end()

    async def read_now(self, device: str) -> Sequence[Reading]:
        """One read between the scheduled ones; what it brings is not stored. Raises as the driver
        does, and LinkLost while the scheduler is not running."""
        if device not in self._slots:
            raise _stopped(device)
        wish = _Wish(self._slots[device], asyncio.get_running_loop().create_future())
        self._wishes.append(wish)
        self._ring()
        return await wish.readings

    def _begin(self) -> None:
        devices = [member.device for member in self._members]
        start = asyncio.get_running_loop().time()
        beats = first_beats([device.every for device in devices], start)
        for member, beat in zip(self._members, beats, strict=True):
            status = self._board.device(member.device.id)
            slot = Slot(member, beat, self._policy, self._clock, status)
            self._slots[member.device.id] = slot
            self._push(slot, beat)

    async def _end(self) -> None:
        slots, self._slots = self._slots, {}
        self._heap.clear()
        while self._wishes:
            self._wishes.popleft().refuse()
        for slot in slots.values():
            await _close(slot)

    def _push(self, slot: Slot, due: float) -> None:
        slot.due = due
        heappush(self._heap, (due, next(self._order), slot))

    def _pop(self) -> Slot | None:
        """The slot that is due; None where it has been given another time since."""
        due, _, slot = heappop(self._heap)
        return slot if due == slot.due else None

    async def _wait(self) -> None:
        """Until the next read is due or somebody wishes one; lets others run in any case."""
        loop = asyncio.get_running_loop()
        if self._wishes or (self._heap and self._heap[0][0] <= loop.time()):
            await asyncio.sleep(0)
            return
        if self._unflushed:
            self._unflushed = False
            await self._sink.flush()
            if self._wishes:
                return
        self._alarm = loop.create_future()
        timer = loop.call_at(self._heap[0][0], self._ring) if self._heap else None
        try:
            await self._alarm
        finally:
            self._alarm = None
            if timer:
                timer.cancel()

    def _ring(self) -> None:
        if self._alarm and not self._alarm.done():
            self._alarm.set_result(None)

    async def _fulfil(self, wish: "_Wish") -> None:
        try:
            wish.grant(await self._read(wish.slot))
        except Exception as error:  # noqa: BLE001  belongs to the one who asked
            wish.refuse(error)
            return
        finally:
            wish.refuse()
        if wish.slot.breaker.open:
            self._push(wish.slot, asyncio.get_running_loop().time())

    async def _serve(self, slot: Slot) -> None:
        outcome = await self._attempt(slot)
        if outcome.due is not None:
            self._push(slot, outcome.due)
        self._show("read", slot, outcome.readings)
        records: list[Record] = [*outcome.readings, *outcome.events]
        if records:
            await self._sink.put(records)
        self._show("taken", slot, outcome.readings)
        self._unflushed |= bool(outcome.events)

    async def _attempt(self, slot: Slot) -> Outcome:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            readings = await self._read(slot)
        except GatewayError as error:
            return slot.failed(error, loop.time())
        except Exception as error:  # noqa: BLE001  logged by the slot, with its traceback
            await _close(slot)
            return slot.failed(error, loop.time())
        now = loop.time()
        return slot.read(readings, now - began, now)

    async def _read(self, slot: Slot) -> Sequence[Reading]:
        async with asyncio.timeout(READING):
            if not slot.opened:
                await slot.member.driver.open()
                slot.opened = True
            return await slot.member.driver.read()

    def _show(self, stage: str, slot: Slot, readings: Sequence[Reading]) -> None:
        if readings:
            for observer in tuple(self.observers):
                observer(stage, slot.member.device.id, readings)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Somebody wants a read out of turn."""

    slot: Slot
    readings: asyncio.Future[Sequence[Reading]]

    def grant(self, readings: Sequence[Reading]) -> None:
        if not self.readings.done():
            self.readings.set_result(readings)

    def refuse(self, error: Exception | None = None) -> None:
        """Unless it has been fulfilled, or nobody waits any more."""
        if not self.readings.done():
            self.readings.set_exception(error or _stopped(self.slot.member.device.id))


def _stopped(device: str) -> LinkLost:
    return LinkLost(
        "{device} is not being asked just now",
        hint="try again in a moment",
        reason="stopped",
        device=device,
    )


async def _close(slot: Slot) -> None:
    slot.opened = False
    try:
        async with asyncio.timeout(CLOSING):
            await slot.member.driver.close()
    except TimeoutError:
        log.warning("%s: its driver does not let go within %g s", slot.member.device.id, CLOSING)
    except Exception as error:
        log.error("%s: its driver does not let go", slot.member.device.id, exc_info=error)
