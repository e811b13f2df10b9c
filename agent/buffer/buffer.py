"""The buffer at work: readings and events in, each uplink's view of them out."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.buffer import gauge
from agent.buffer.account import Law
from agent.buffer.accounts import Accounts, Gap
from agent.buffer.committer import Committer
from agent.buffer.limits import PAGE, Limits
from agent.buffer.manifest import manifest
from agent.buffer.media import SWEEP_EVERY, MediaStore
from agent.buffer.observing import Observers
from agent.buffer.outbox import BufferOutbox, Counter
from agent.buffer.reader import Reader
from agent.buffer.retention import Retention, Victim
from agent.buffer.shelf import Shelf
from agent.buffer.store import Store, gap_event
from agent.clock import Clock
from agent.contract import MEDIA, STREAMS, Event, Outbox, Ranges, Record
from agent.status import Board

log = logging.getLogger(__name__)

REPORT_EVERY = 1.0  # s


class Buffer:
    """Implements `agent.contract.Sink`. Made by `open_buffer`."""

    def __init__(
        self,
        path: Path,
        store: Store,
        reader: Reader,
        accounts: Accounts,
        limits: Limits,
        clock: Clock,
        board: Board,
    ) -> None:
        self._path, self._limits, self._clock, self._board = path, limits, clock, board
        self._accounts = accounts
        self._media = MediaStore(path.parent / MEDIA, limits.media)
        self._shelf = Shelf(reader, accounts)
        retention = Retention(limits, accounts, self._shelf.look)
        self._committer = Committer(
            store, accounts, retention, limits, clock, board, self._wake, self._evict
        )
        self._outboxes: dict[str, BufferOutbox] = {}
        self._rate = gauge.Rate()
        self._device = gauge.device_written(path.parent)
        board.buffer.epoch, board.buffer.max_bytes = self.epoch, limits.max_size
        self.report()

    @property
    def epoch(self) -> str:
        return self._accounts.running.name

    async def put(self, records: Sequence[Record]) -> None:
        if any(isinstance(record, Event) and record.media for record in records):
            records = [kept for one in records for kept in await self._illustrated(one)]
        await self._committer.put(records)

    def picture(self, name: str) -> bytes | None:
        """The JPEG of that id; None when it has expired."""
        return self._media.read(name)

    async def _illustrated(self, record: Record) -> Sequence[Record]:
        """An event and its pictures, which are on disk before it is."""
        if not isinstance(record, Event) or not record.media:
            return [record]
        await asyncio.to_thread(self._media.sweep_when_due, record.at)
        told: list[Event] = []
        data = dict(record.data)
        for picture in record.media:
            try:
                about = await asyncio.to_thread(self._media.keep, picture, record.at)
            except OSError as error:
                log.warning("%s of %s: a picture is lost: %s", record.kind, record.subject, error)
                data["media_lost"] = str(error.strerror or error)
                continue
            told.append(Event(MEDIA, str(about["id"]), record.at, {**about, "event": record.kind}))
        if told:
            data["media"] = " ".join(event.subject for event in told)
        return [replace(record, data=data, media=()), *told]

    async def flush(self) -> None:
        """Raises LinkLost when the disk refuses; what was put waits in memory and is tried on."""
        await self._committer.flush()

    def outbox(self, uplink: str) -> Outbox:
        """That uplink's view; one that is new owes all that is stored."""
        if uplink not in self._outboxes:
            if uplink not in self._accounts.uplinks:
                self._accounts.add(uplink)
                self._committer.settled()
            counter = Counter(
                self._accounts,
                self._shelf.fetch,
                self._committer.settled,
                self._announce,
                self.observers,
            )
            self._outboxes[uplink] = BufferOutbox(uplink, counter)
        return self._outboxes[uplink]

    def law(self, uplink: str) -> Mapping[str, Law]:
        """Stream -> how 1…head divides for that uplink, over all epochs. Raises KeyError."""
        return self._accounts.law(uplink)

    @property
    def observers(self) -> Observers:
        """Who is told of every reading that is stored, and that is acknowledged."""
        return self._committer.observers

    def silence(self) -> float:
        """Seconds that the writer has been at one transaction."""
        return self._committer.silence

    async def manifest(self) -> Mapping[str, Any]:
        """What is stored, for the cloud to compare; see `agent.buffer.manifest`."""
        return await manifest(self._accounts, self._shelf.fetch)

    async def run(self) -> None:
        """Writes, keeps the bounds, and reports to the board, until `stop`."""
        beside = [asyncio.create_task(self._report()), asyncio.create_task(self._sweep())]
        try:
            await self._committer.run()
        finally:
            for task in beside:
                task.cancel()

    def stop(self) -> None:
        self._committer.stop()

    async def close(self) -> None:
        """After `run` has ended."""
        try:
            await self._committer.close()
            self.report()
        finally:
            await self._shelf.close()

    async def abandon(self) -> None:
        """Closes a store that is ruined; nothing more is written to it."""
        await self._committer.abandon()
        await self._shelf.close()

    def declare_unreadable(self, victims: Sequence[Victim], told: Sequence[Event]) -> None:
        """What a damaged store could not give back; `told` goes with it."""
        self._evict(victims)
        self._committer.take(told)

    def _wake(self) -> None:
        for outbox in self._outboxes.values():
            outbox.wake()

    def _evict(self, victims: Sequence[Victim]) -> None:
        for victim in victims:
            gaps = self._accounts.evict(victim.epoch, victim.stream, victim.numbers, victim.reason)
            self._committer.erase(victim.epoch, victim.stream, victim.numbers)
            self._board.buffer.evicted += len(Ranges.union(gap.numbers for gap in gaps))
            self._announce(gaps)

    def _announce(self, gaps: Sequence[Gap]) -> None:
        """Every gap is an event, in the same transaction as what made it."""
        now = self._clock.now()
        events: list[Event] = [
            gap_event(gap.uplink, gap.epoch, gap.stream, first, last, gap.reason, now)
            for gap in gaps
            for first, last in gap.numbers
        ]
        if events:
            self._committer.take(events)

    async def _report(self) -> None:
        while True:
            self._board.buffer.oldest = await self._shelf.oldest()
            await asyncio.sleep(REPORT_EVERY)
            self.report()

    async def _sweep(self) -> None:
        """Pictures expire also while none comes."""
        while True:
            try:
                await asyncio.to_thread(self._media.sweep_when_due, self._clock.now())
            except OSError as error:
                log.warning("pictures cannot be swept: %s", error)
            await asyncio.sleep(SWEEP_EVERY)

    def report(self) -> None:
        """Brings the board up to date."""
        board, used = self._board.buffer, self._committer.pages * PAGE
        kept = (epoch.kept[s] for epoch in self._accounts.epochs.values() for s in STREAMS)
        board.records = sum(map(len, kept))
        board.bytes = gauge.size(self._path)
        now, owed = asyncio.get_running_loop().time(), 0
        for uplink in self._accounts.uplinks:
            status, law = self._board.uplink(uplink), self.law(uplink)
            status.owed = {stream: law[stream].owed for stream in STREAMS}
            status.gap = {stream: law[stream].gap for stream in STREAMS}
            status.law = {stream: law[stream].holds for stream in STREAMS}
            owed = max(owed, sum(status.owed.values()))
        appended = sum(self._board.stream(stream).appended for stream in STREAMS)
        rate = self._rate.measure(appended, now)
        board.hours_left = gauge.hours_left(self._limits.room, used, board.records, owed, rate)
        device = gauge.device_written(self._path.parent)
        if device is not None and self._device is not None:
            board.device_written = device - self._device
