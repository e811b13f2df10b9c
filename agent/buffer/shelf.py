"""Batches for the event loop: read by a thread of their own, a few remembered."""

from collections import OrderedDict
from collections.abc import Sequence

from agent.buffer.accounts import Accounts, Epoch
from agent.buffer.keys import OPEN
from agent.buffer.reader import Extent, Reader, Stored
from agent.contract import STREAMS, Ranges
from agent.threads import Worker

AHEAD = 1000  # numbers that are read in one go
REMEMBERED = 8  # batches


class Shelf:
    def __init__(self, reader: Reader, accounts: Accounts) -> None:
        self._reader = reader
        self._accounts = accounts
        self._thread = Worker("store-read")
        self._near: OrderedDict[tuple[int, str, int], Stored] = OrderedDict()
        self._ends: list[tuple[int, str, int]] = []  # where the oldest records are
        self._oldest = 0.0

    async def fetch(self, epoch: int, stream: str, first: int, last: int) -> Sequence[Stored]:
        """The batches that have any of these numbers, in order. Raises sqlite3.Error."""
        near = self._remembered(epoch, stream, first, last)
        if near:
            return near
        ahead = max(last, first + AHEAD - 1)
        found = await self._thread.call(self._reader.batches, epoch, stream, first, ahead)
        for batch in found:
            self._near[epoch, stream, batch.first] = batch
        while len(self._near) > REMEMBERED:
            self._near.popitem(last=False)
        return [batch for batch in found if batch.first <= last]

    def _remembered(self, epoch: int, stream: str, first: int, last: int) -> list[Stored]:
        """Empty unless all of these numbers are remembered."""
        near = [
            batch
            for (e, s, _), batch in self._near.items()
            if e == epoch and s == stream and batch.first <= last and batch.last >= first
        ]
        near.sort(key=lambda batch: batch.first)
        there = Ranges.union(batch.range for batch in near)
        return near if not Ranges.of(first, last) - there else []

    async def look(
        self, epoch: Epoch, stream: str, numbers: Ranges, limit: int
    ) -> Sequence[Extent]:
        """Batches that begin within first…last of the numbers, but never the newest of all."""
        found = await self._thread.call(
            self._reader.extents, epoch.id, stream, numbers.first, numbers.last, limit
        )
        running = epoch is self._accounts.running
        return [e for e in found if not running or e.last < epoch.head[stream]]

    async def oldest(self) -> float:
        """Unix time of the oldest record that is stored; 0 when there is none."""
        ends = [end for stream in STREAMS if (end := self._end(stream))]
        if ends != self._ends:
            self._ends = ends
            found = [await self._thread.call(self._reader.extents, *end, OPEN, 1) for end in ends]
            self._oldest = min((e[0].wall / 1000 for e in found if e), default=0.0)
        return self._oldest

    def _end(self, stream: str) -> tuple[int, str, int] | None:
        epochs = (epoch for epoch in self._accounts.epochs.values() if epoch.kept[stream])
        first = next(epochs, None)
        return (first.id, stream, first.kept[stream].first) if first else None

    async def close(self) -> None:
        await self._thread.call(self._reader.close)
        self._thread.close()
