"""The writing end of the store: one transaction for all that waits. Used by one thread."""

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.buffer import past
from agent.buffer.accounts import Changes, Epoch
from agent.buffer.columns import Batch, encode
from agent.buffer.keys import OPEN, STREAM_IDS, key
from agent.buffer.limits import PAGE
from agent.contract import EVENTS, STREAMS, Event, Instant, Ranges, Record

log = logging.getLogger(__name__)

DISK_FULL = "disk_full"
MEASURE_EVERY = 32_768  # bytes that may come in between two looks at the file's size

Numbered = tuple[str, int, Batch]  # stream, first number


@dataclass(frozen=True, slots=True)
class Erasure:
    """Numbers of an ended or running epoch whose batches go, and what is kept of it then."""

    epoch: int
    stream: str
    numbers: Ranges
    kept: Ranges


@dataclass(slots=True)
class Work:
    """What one transaction has to do.

    `discarded` counts records that found no room: they get numbers, and are a gap at once.
    """

    now: Callable[[], Instant]
    records: Mapping[str, Sequence[Record]]
    changes: Changes
    discarded: Mapping[str, int] = field(default_factory=dict)
    erasures: Sequence[Erasure] = ()


@dataclass(slots=True)
class Done:
    """Per stream the numbers that are on disk now, and those that stand for discarded records."""

    stored: Mapping[str, Ranges]
    discarded: Mapping[str, Ranges]
    heads: Mapping[str, int]
    pages: int  # of the file that are in use, about
    written: int  # bytes that this thread gave to the system since it started, but for the last


_MOVE = (
    "UPDATE owed SET uplink = ?, epoch = ?, stream = ?, first = ?, last = ?"
    " WHERE uplink = ? AND epoch = ? AND stream = ? AND first = ?"
)


class Store:
    def __init__(self, connection: sqlite3.Connection, epoch: Epoch) -> None:
        self._connection = connection
        self._epoch = epoch
        self._heads = dict(epoch.head)
        self._kept = {stream: Ranges.of(1, OPEN) for stream in STREAMS}
        self._boots: dict[str, int] = {}
        self.pages = _pages(connection)  # in use, as last measured
        self._fresh, self._written = MEASURE_EVERY, 0

    def commit(self, work: Work) -> Done:
        """All or nothing: numbers count only once it has returned. Raises sqlite3.Error."""
        encoded = {s: list(encode(records)) for s, records in work.records.items() if records}
        return self.write(encoded, work)

    def write(self, encoded: Mapping[str, Sequence[Batch]], work: Work) -> Done:
        """The transaction itself, of records that are encoded."""
        heads, kept = dict(self._heads), self._kept
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            batches: list[Numbered] = []
            for stream, fresh in encoded.items():
                batches += _numbered(stream, fresh, heads)
            discarded = {s: _spend(s, count, heads) for s, count in work.discarded.items()}
            if discarded:
                confessed = list(encode(self._confessions(discarded, work.now())))
                batches += _numbered(EVENTS, confessed, heads)
            if work.erasures or discarded:
                kept = dict(kept)
                self._erase(work.erasures, discarded, kept)
            self._insert(batches)
            write_rows(self._connection, work.changes)
            self._connection.execute("COMMIT")
        except BaseException:
            self._boots.clear()
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        if discarded:
            stored = {s: Ranges.union(_numbers(b) for b in batches if b[0] == s) for s in STREAMS}
        else:
            stored = {s: Ranges.of(self._heads[s] + 1, heads[s]) for s in STREAMS}
        self._heads, self._kept = heads, kept
        self._measure(sum([len(batch.body) for _, _, batch in batches]), bool(work.erasures))
        return Done(stored, discarded, heads, self.pages, self._written)

    def _measure(self, fresh: int, erased: bool) -> None:
        """`fresh` bytes came in. The file is looked at now and then, since that takes as long as
        a small insert; in between its pages are estimated, rather too many."""
        self._fresh += fresh + PAGE
        self.pages += fresh // PAGE + 2
        if erased or self._fresh > MEASURE_EVERY:
            self._fresh = 0
            self.pages, self._written = _pages(self._connection), written()

    def close(self) -> None:
        """Writes down where the epoch ended, so that a last batch that goes bad is missed."""
        ends = [(last, self._epoch.id, STREAM_IDS[s]) for s, last in self._heads.items()]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "UPDATE head SET last = ? WHERE epoch = ? AND stream = ?", ends
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            log.warning("buffer: closed without its last note: %s", error)
        finally:
            self._connection.close()

    def _confessions(self, discarded: Mapping[str, Ranges], now: Instant) -> list[Event]:
        """For every uplink alike: these numbers were given to records that nobody has."""
        return [
            gap_event("", self._epoch.name, stream, first, last, DISK_FULL, now)
            for stream, numbers in discarded.items()
            for first, last in numbers
        ]

    def _insert(self, batches: Sequence[Numbered]) -> None:
        rows = [
            (
                key(self._epoch.id, stream, first),
                batch.count,
                self._boot(batch.boot),
                batch.mono,
                batch.wall,
                batch.trusted,
                batch.enc,
                batch.body,
            )
            for stream, first, batch in batches
        ]
        self._connection.executemany("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _boot(self, name: str) -> int:
        if name not in self._boots:
            self._boots[name] = past.boot(self._connection, name)
        return self._boots[name]

    def _erase(
        self,
        erasures: Sequence[Erasure],
        discarded: Mapping[str, Ranges],
        kept: dict[str, Ranges],
    ) -> None:
        for erasure in erasures:
            for first, last in erasure.numbers:
                self._connection.execute(
                    "DELETE FROM batch WHERE key BETWEEN ? AND ?",
                    (
                        key(erasure.epoch, erasure.stream, first),
                        key(erasure.epoch, erasure.stream, last),
                    ),
                )
            if erasure.epoch != self._epoch.id:
                self._keep(erasure.epoch, erasure.stream, erasure.kept)
        for stream in STREAMS:
            gone = [e.numbers for e in erasures if (e.epoch, e.stream) == (self._epoch.id, stream)]
            holes = Ranges.union((*gone, discarded.get(stream, Ranges())))
            if holes:
                kept[stream] = kept[stream] - holes
                self._keep(self._epoch.id, stream, kept[stream])

    def _keep(self, epoch: int, stream: str, kept: Ranges) -> None:
        where = (epoch, STREAM_IDS[stream])
        self._connection.execute("DELETE FROM kept WHERE epoch = ? AND stream = ?", where)
        rows = [(*where, first, last) for first, last in kept]
        self._connection.executemany("INSERT INTO kept VALUES (?, ?, ?, ?)", rows)


def write_rows(connection: sqlite3.Connection, changes: Changes) -> None:
    """Within a transaction of the caller's."""
    delete, insert = changes.delete, changes.insert
    if len(delete) == len(insert) == 1 and delete[0][0] == insert[0][0] == "owed":
        connection.execute(_MOVE, (*insert[0][1], *delete[0][1]))  # what a settlement mostly is
        return
    for table, row in delete:
        connection.execute(
            f"DELETE FROM {table}"  # noqa: S608  a name of ours
            " WHERE uplink = ? AND epoch = ? AND stream = ? AND first = ?",
            row,
        )
    for table, row in insert:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608  a name of ours


def gap_event(
    uplink: str, epoch: str, stream: str, first: int, last: int, reason: str, at: Instant
) -> Event:
    """What tells a receiver that numbers will never come; `uplink` "" speaks to all."""
    numbers = {"first": first, "last": last}
    of = {"uplink": uplink, "epoch": epoch, "stream": stream}
    return Event("gap", "buffer", at, {**of, **numbers, "reason": reason})


def _numbered(stream: str, batches: Sequence[Batch], heads: dict[str, int]) -> list[Numbered]:
    """With the numbers that follow the head; moves the head."""
    numbered = []
    for batch in batches:
        numbered.append((stream, heads[stream] + 1, batch))
        heads[stream] += batch.count
    return numbered


def _spend(stream: str, count: int, heads: dict[str, int]) -> Ranges:
    heads[stream] += count
    return Ranges.of(heads[stream] - count + 1, heads[stream])


def _numbers(batch: Numbered) -> Ranges:
    return Ranges.of(batch[1], batch[1] + batch[2].count - 1)


def _pages(connection: sqlite3.Connection) -> int:
    """In use; those that were erased are used again before the file grows."""
    count = connection.execute("PRAGMA page_count").fetchone()[0]
    free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return int(count) - int(free)


def written() -> int:
    """Bytes that the calling thread has given to the system in writes; 0 where it won't say."""
    with contextlib.suppress(OSError, LookupError, ValueError):
        lines = Path("/proc/thread-self/io").read_text(encoding="ascii").splitlines()
        return int(dict(line.split(": ") for line in lines)["wchar"])
    return 0
