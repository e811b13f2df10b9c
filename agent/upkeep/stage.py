"""Between collecting and storing: marks what is worked on, and lets replaced counters go on."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from agent.clock import Clock
from agent.contract import Event, LinkLost, PointInfo, Reading, Record, Sink, Value
from agent.host import DeviceState
from agent.status import Board
from agent.upkeep.counters import Counters, Number
from agent.upkeep.maintenance import Maintenance, Work

log = logging.getLogger(__name__)

TICK = 1.0  # s between two looks whether a work is over
SAVE_EVERY = 3600.0  # s between two writes of the counters' totals, for a power failure


class Upkeep:
    """Implements Sink. What it has to remember is in one small file, written when somebody begins
    or ends something, every hour and at stop."""

    def __init__(self, sink: Sink, clock: Clock, board: Board, file: Path) -> None:
        self._sink, self._clock, self._board = sink, clock, board
        self._state = DeviceState(file)
        self._maintenance = Maintenance()
        self._counters: dict[str, Counters] = {}
        self._touched: set[str] = set()  # devices whose records need a look
        self._rebased = False
        self._resume()

    def watch(self, device: str, points: Iterable[PointInfo]) -> None:
        """Called for each device whose driver has been made."""
        counting = frozenset(point.id for point in points if point.kind == "counter")
        known = self._state.get(f"counters.{device}", "")
        base, last, awaited = json.loads(known) if known else ({}, {}, {})
        if counting:
            self._counters[device] = Counters(counting, base, last, awaited)
        else:
            self._counters.pop(device, None)
        self._look_at()

    async def put(self, records: Sequence[Record]) -> None:
        if any(_device(record) in self._touched for record in records):
            self._rebased = False
            records = [kept for record in records for kept in self._through(record)]
            if self._rebased:
                await self._save()
        if records:
            await self._sink.put(records)

    async def flush(self) -> None:
        await self._sink.flush()

    def shown(self, readings: Iterable[Reading]) -> list[Reading]:
        """As they would be stored, without learning from them."""
        return [shown for one in readings if isinstance(shown := self._shown(one), Reading)]

    def serial(self, device: str) -> str:
        """Number of the device that hangs there since it was replaced; empty when never told."""
        return self._state.get(f"serial.{device}", "")

    async def maintain(self, device: str, seconds: float, by: str) -> None:
        """From now on; 0 s ends it."""
        now = self._clock.now()
        if seconds > 0:
            events = [self._maintenance.begin(device, seconds, now, by)]
            log.info("%s: maintenance for %g s, asked by %s", device, seconds, by)
        else:
            events = list(self._maintenance.finish(device, now, by))
        await self._tell(events)

    async def configured(self, asked: Mapping[str, float]) -> None:
        """Device -> seconds, as the configuration says: counted from when that was first read, so
        that neither a restart nor a reload begins it anew."""
        before = {k[6:]: float(v) for k, v in self._state.items() if k.startswith("asked.")}
        for device in before.keys() | asked.keys():
            seconds = asked.get(device, 0.0)
            if seconds == before.get(device, 0.0):
                continue
            if seconds:
                self._state[f"asked.{device}"] = repr(seconds)
            else:
                del self._state[f"asked.{device}"]
            await self.maintain(device, seconds, "configuration")

    async def replaced(
        self, device: str, serial: str, totals: Mapping[str, Number], by: str
    ) -> Mapping[str, Number]:
        """Another piece of hardware does this device's work from its next reading on. Returns the
        totals that its counters go on from."""
        before, self._state[f"serial.{device}"] = self.serial(device), serial
        counters = self._counters.get(device)
        if counters is not None:
            counters.replaced(totals)
        data: dict[str, Value | None] = {"serial": serial, "serial_before": before, "by": by}
        await self._tell([Event("device.replaced", device, self._clock.now(), data)])
        return dict(counters.awaited) if counters else {}

    async def run(self) -> None:
        """Ends what is over, until cancelled."""
        loop = asyncio.get_running_loop()
        saved = loop.time()
        try:
            while True:
                await asyncio.sleep(TICK)
                if self._maintenance.works:
                    await self._tell(list(self._maintenance.finish_due(self._clock.now())))
                if loop.time() - saved >= SAVE_EVERY:
                    saved = loop.time()
                    await self._save()
        finally:
            self._note()
            self._state.save()

    def _resume(self) -> None:
        now = self._clock.now()
        for key, text in self._state.items():
            kind, _, device = key.partition(".")
            if kind == "work":
                with contextlib.suppress(ValueError):
                    self._maintenance.works[device] = Work.resumed(text, now)
        self._look_at()

    def _look_at(self) -> None:
        self._touched = {*self._counters, *self._maintenance.works}
        for device, status in self._board.devices.items():
            work = self._maintenance.works.get(device)
            status.maintenance = work.wall / 1e9 if work else 0.0
        for device, work in self._maintenance.works.items():
            self._board.device(device).maintenance = work.wall / 1e9

    def _through(self, record: Record) -> Iterable[Record]:
        told: Iterable[Event] = ()
        if isinstance(record, Reading) and (counters := self._counters.get(record.device)):
            told = list(counters.see(record))
            self._rebased |= bool(told)
        kept = self._shown(record)
        return (kept, *told) if kept is not None else told

    def _shown(self, record: Record) -> Record | None:
        if isinstance(record, Reading) and (counters := self._counters.get(record.device)):
            record = counters.shown(record)
        return self._maintenance.mark(record)

    async def _tell(self, events: Sequence[Event]) -> None:
        """Events of our own, past everything that keeps events back; what they are about is on
        disk before they are."""
        if not events:
            return
        self._look_at()
        await self._save()
        await self._sink.put(events)
        try:
            await self._sink.flush()
        except LinkLost as error:
            log.warning("%s is not on disk yet: %s; trying on", events[0].kind, error)

    async def _save(self) -> None:
        self._note()
        await asyncio.to_thread(self._state.save)

    def _note(self) -> None:
        works = self._maintenance.works
        for key in [k for k in self._state if k.startswith("work.") and k[5:] not in works]:
            del self._state[key]
        for device, work in works.items():
            self._state[f"work.{device}"] = work.to_text()
        for device, c in self._counters.items():
            self._state[f"counters.{device}"] = json.dumps([c.base, c.last, c.awaited])


def _device(record: Record) -> str:
    return record.device if isinstance(record, Reading) else record.subject
