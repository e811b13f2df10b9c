"""Group commit: gathers what waits into transactions, and applies what came of each.

Only the event loop touches the accounts; the thread that writes gets all it needs in one `Work`.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence

from agent.buffer.accounts import Accounts, Changes
from agent.buffer.limits import Limits
from agent.buffer.observing import Observers, stored
from agent.buffer.retention import Retention, Victim
from agent.buffer.store import DISK_FULL, Done, Erasure, Store, Work
from agent.buffer.waiting import Group, Waiting
from agent.clock import Clock
from agent.contract import EVENTS, STREAMS, TELEMETRY, LinkLost, Ranges, Record
from agent.status import Board
from agent.threads import Worker

log = logging.getLogger(__name__)

RETRY = 1.0  # s after the disk refused
PATIENCE = 1.0  # s that `put` waits for room while the disk refuses


class Committer:
    """`written` is called after each transaction, `evict` with what has to go."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        retention: Retention,
        limits: Limits,
        clock: Clock,
        board: Board,
        written: Callable[[], None],
        evict: Callable[[Sequence[Victim]], None],
    ) -> None:
        self._store, self._accounts, self._retention = store, accounts, retention
        self._clock, self._board = clock, board
        self._done, self._evict = written, evict
        self.observers: Observers = set()
        self._thread = Worker("store-write")
        self._loop = asyncio.get_running_loop()
        self._waiting = Waiting(limits)
        self._erasures: list[Erasure] = []
        self._flushes: list[asyncio.Future[None]] = []  # for what waits now
        self._flushing: list[asyncio.Future[None]] = []  # for what is being written
        self._wake, self._room = asyncio.Event(), asyncio.Event()
        self._stopped, self._closed = asyncio.Event(), False
        self._busy: float | None = None  # since when the thread is at work
        self.pages = store.pages

    @property
    def silence(self) -> float:
        return 0.0 if self._busy is None else self._loop.time() - self._busy

    async def put(self, records: Sequence[Record]) -> None:
        if self._waiting.crowded:
            await self._wait_for_room()
        self.take(records)

    def take(self, records: Sequence[Record]) -> None:
        """What finds no room is counted, and gets its numbers when the disk takes some again."""
        if self._closed:
            raise RuntimeError("the buffer is closed")
        before = self._waiting.due()
        taken, discarded = self._waiting.take(records, self._loop.time())
        for stream, count in taken.items():
            self._board.stream(stream).taken += count
        for stream, count in discarded.items():
            reasons = self._board.stream(stream).discarded
            reasons[DISK_FULL] = reasons.get(DISK_FULL, 0) + count
        if before != self._waiting.due():
            self._wake.set()

    async def flush(self) -> None:
        """Raises LinkLost when the disk refuses; what waits is tried again all the same."""
        if self._waiting.count:
            self._waiting.urgent = True
            self._wake.set()
            await self._promise(self._flushes)
        elif self._busy is not None:
            await self._promise(self._flushing)

    async def _promise(self, waiters: "list[asyncio.Future[None]]") -> None:
        waiter = self._loop.create_future()
        waiters.append(waiter)
        await waiter

    def settled(self) -> None:
        """Accounts changed: written with the next group, or alone after a while."""
        if self._waiting.settled_since is None:
            self._waiting.settled_since = self._loop.time()
            self._wake.set()

    def erase(self, epoch: str, stream: str, numbers: Ranges) -> None:
        """Their batches go with the next transaction."""
        of = self._accounts.epochs[epoch]
        self._erasures.append(Erasure(of.id, stream, numbers, of.kept[stream]))
        self._waiting.erasing = True
        self._wake.set()

    async def run(self) -> None:
        """Until `stop`. Raises sqlite3.Error only when the store is ruined."""
        housekeeping = self._loop.time()
        while not self._stopped.is_set():
            self._wake.clear()  # before looking: what comes from here on wakes again
            now = self._loop.time()
            if now >= housekeeping:
                self._evict(await self._retention.for_age(self._clock.now()))
                housekeeping = now + self._retention.period
            due = self._waiting.due()
            until = housekeeping if due is None else min(due, housekeeping)
            if until > now:
                await _either(self._wake, until - now)
            elif not await self._commit():
                self._evict(await self._retention.for_full_disk())
                await _either(self._stopped, RETRY)

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()

    async def close(self) -> None:
        """After `run` has ended: writes what is left, once, and closes the store."""
        try:
            if not await self._commit():
                log.error("buffer: the last %d records are lost", self._waiting.count)
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """Closes the store as it is."""
        self._closed = True
        await self._thread.call(self._store.close)
        self._thread.close()

    async def _wait_for_room(self) -> None:
        """While the disk refuses, only for so long: then memory fills, and what finds no room
        there is counted."""
        self._board.buffer.waits += 1
        until = self._loop.time() + PATIENCE
        while self._waiting.crowded and not self._stopped.is_set():
            self._room.clear()
            await _either(self._room, PATIENCE)
            if self._board.buffer.error and self._loop.time() >= until:
                return

    async def _commit(self) -> bool:
        """One transaction of all that waits; False when the disk refused it."""
        self._busy = now = self._loop.time()
        changes, group = self._accounts.changes(), self._waiting.draw(now)
        self._flushing, self._flushes = self._flushes, []
        erasures = tuple(self._erasures)
        work = Work(self._clock.now, group.records, changes, group.discarded, erasures)
        try:
            done = await self._thread.call(self._store.commit, work)
        except (sqlite3.Error, OSError) as error:
            self._failed(error, changes, group)
            if not isinstance(error, sqlite3.OperationalError | OSError):
                raise
            return False
        finally:
            self._busy = None
        del self._erasures[: len(erasures)]
        self._written(done, changes)
        if self.observers:
            self._tell(done, group)
        if self._retention.crowded(self.pages) and not self._stopped.is_set():
            self._evict(await self._retention.for_room(self.pages))
        return True

    def _failed(self, error: Exception, changes: Changes, group: Group) -> None:
        self._accounts.failed(changes)
        self._waiting.failed(group, self._loop.time())
        if not self._board.buffer.error:
            log.error("buffer: the disk refuses (%s); records wait in memory, trying on", error)
        self._board.buffer.error = str(error)
        for waiter in self._flushing:
            if not waiter.done():
                lost = LinkLost(
                    "the disk takes nothing: {why}",
                    hint="make room on the disk that holds `store.path:`",
                    reason=DISK_FULL,
                    why=error,
                )
                waiter.set_exception(lost)
        self._flushing = []

    def _written(self, done: Done, changes: Changes) -> None:
        self._accounts.saved(changes)
        self._waiting.written()
        for stream in STREAMS:
            self._accounts.appended(stream, done.heads[stream], done.stored[stream])
            status = self._board.stream(stream)
            status.head = done.heads[stream]
            status.appended += len(done.stored[stream])
        for stream, numbers in done.discarded.items():
            self._board.stream(EVENTS).taken += len(numbers.intervals)  # the gap's own event
            self._accounts.evict(self._accounts.running.name, stream, numbers, DISK_FULL)
        self.pages = done.pages
        buffer = self._board.buffer
        buffer.commits += 1
        buffer.written = done.written
        if buffer.error:
            log.info("buffer: the disk takes records again")
            buffer.error = ""
        for waiter in self._flushing:
            if not waiter.done():
                waiter.set_result(None)
        self._flushing = []
        self._room.set()
        self._done()

    def _tell(self, done: Done, group: Group) -> None:
        steps = stored(
            self._accounts.running.name, done.stored[TELEMETRY], group.records.get(TELEMETRY, ())
        )
        for step in steps:
            for observer in tuple(self.observers):
                observer(step)


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Until the event or so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
