"""One uplink's view of the buffer: accounts decide which numbers, the store has the records."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from agent.buffer.account import Taken
from agent.buffer.accounts import Accounts, Gap
from agent.buffer.observing import Observers, Sent
from agent.buffer.reader import Stored
from agent.contract import STREAMS, TELEMETRY, Columns, Happening, Lane, Pack, Ranges, Skip

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counter:
    """The buffer, as an outbox sees it.

    `fetch` finds the batches of an epoch and stream that have any number of first…last, `changed`
    is told that something will have to be written, `announce` makes events of gaps.
    """

    accounts: Accounts
    fetch: Callable[[int, str, int, int], Awaitable[Sequence[Stored]]]
    changed: Callable[[], None]
    announce: Callable[[Sequence[Gap]], None]
    observers: Observers


class BufferOutbox:
    """Implements `agent.contract.Outbox`."""

    def __init__(self, uplink: str, counter: Counter) -> None:
        self._uplink = uplink
        self._counter = counter
        self._accounts = {s: counter.accounts.of(uplink, s) for s in STREAMS}
        self._new = asyncio.Event()

    def wake(self) -> None:
        """There may be something new to send."""
        self._new.set()

    async def begin(self) -> None:
        for account in self._accounts.values():
            account.begin()
        self._new.set()

    async def owed(self, stream: str, lane: Lane, limit: int) -> Pack | None:
        taken = self._accounts[stream].take(lane, limit)
        if taken is None:
            return None
        try:
            return await self._pack(stream, lane, taken)
        except BaseException:
            self._accounts[stream].give_back(taken.epoch, Ranges.of(taken.first, taken.last))
            raise

    async def _pack(self, stream: str, lane: Lane, taken: Taken) -> Pack:
        epoch = self._counter.accounts.epochs[taken.epoch]
        first, last = taken.first, taken.last
        found: Sequence[Stored] = ()
        if not taken.absent:
            found = await self._counter.fetch(epoch.id, stream, first, last)
        parts = [(batch, batch.range & Ranges.of(first, last)) for batch in found]
        return Pack(
            epoch=taken.epoch,
            stream=stream,
            lane=lane,
            first=first,
            last=last,
            again=taken.again,
            skip=tuple(_skips(Ranges.of(first, last), parts)),
            columns=tuple(_columns(parts)) if stream == TELEMETRY else (),
            happenings=tuple(_happenings(parts)) if stream != TELEMETRY else (),
            previous=epoch.before[stream] if first == 1 else None,
        )

    async def settle(self, pack: Pack) -> None:
        if self._accounts[pack.stream].settle(pack.epoch, pack.range, pack.skip):
            self._counter.changed()
            if pack.stream == TELEMETRY:
                for observer in tuple(self._counter.observers):
                    observer(Sent(self._uplink, pack.epoch, pack.range))

    async def give_back(self, pack: Pack) -> None:
        self._accounts[pack.stream].give_back(pack.epoch, pack.range)
        self._new.set()

    async def refuse(self, pack: Pack, reason: str) -> None:
        refused = self._accounts[pack.stream].refuse(pack.epoch, pack.range, reason)
        if refused:
            gap = Gap(self._uplink, pack.epoch, pack.stream, refused, reason)
            self._counter.announce([gap])
            self._counter.changed()

    async def owe(self, epoch: str, stream: str, ranges: Ranges) -> None:
        if epoch not in self._counter.accounts.epochs:
            log.warning("%s: asked to replay epoch %s, which is unknown here", self._uplink, epoch)
            return
        stored = self._counter.accounts.epochs[epoch].kept[stream]
        if self._accounts[stream].owe(epoch, ranges, stored):
            self._counter.changed()
            self._new.set()

    async def changed(self) -> None:
        await self._new.wait()
        self._new.clear()


def _skips(whole: Ranges, parts: Sequence[tuple[Stored, Ranges]]) -> Iterator[Skip]:
    """What the pack accounts for without carrying it, in order."""
    damaged = Ranges.union(numbers for batch, numbers in parts if batch.content is None)
    there = Ranges.union(numbers for _, numbers in parts)
    reasons = [(first, last, "evicted") for first, last in whole - there]
    reasons += [(first, last, "unreadable") for first, last in damaged]
    for first, last, reason in sorted(reasons):
        yield Skip(first, last, reason)


def _columns(parts: Sequence[tuple[Stored, Ranges]]) -> Iterator[Columns]:
    for batch, numbers in parts:
        if isinstance(batch.content, Columns):
            whole = numbers == batch.range
            start, stop = numbers.first - batch.first, numbers.last - batch.first + 1
            yield batch.content if whole else batch.content.slice(start, stop)


def _happenings(parts: Sequence[tuple[Stored, Ranges]]) -> Iterator[Happening]:
    for batch, numbers in parts:
        if isinstance(batch.content, tuple):
            yield from batch.content[numbers.first - batch.first : numbers.last - batch.first + 1]
