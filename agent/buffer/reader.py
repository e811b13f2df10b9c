"""The reading end of the store. Used by one thread, beside the one that writes."""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agent.buffer.columns import Batch, decode
from agent.buffer.keys import OPEN, key, parts
from agent.contract import Columns, Happening, Ranges

log = logging.getLogger(__name__)

_COLUMNS = (
    "key, count, boot.name, batch.mono, batch.wall, batch.trusted, enc, body"
    " FROM batch JOIN boot ON boot.id = batch.boot"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One batch as it was read; without `content` when it cannot be decoded."""

    epoch: int
    stream: str
    first: int
    last: int
    content: Columns | tuple[Happening, ...] | None

    @property
    def range(self) -> Ranges:
        return Ranges.of(self.first, self.last)


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a batch is and when it was written, without its body."""

    epoch: int
    stream: str
    first: int
    last: int
    boot: str
    mono: int  # ms
    wall: int  # ms
    trusted: bool
    size: int  # bytes


class Reader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def batches(self, epoch: int, stream: str, first: int, last: int) -> list[Stored]:
        """Those that have any of these numbers. Raises sqlite3.Error."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} WHERE key BETWEEN ? AND ? ORDER BY key",
            (self._start(epoch, stream, first), key(epoch, stream, last)),
        ).fetchall()
        return [found for found in map(stored, rows) if found.last >= first]

    def extents(
        self, epoch: int, stream: str, first: int = 0, last: int = OPEN, limit: int = -1
    ) -> list[Extent]:
        """Batches that begin within these numbers, oldest first. Raises sqlite3.Error."""
        rows = self._connection.execute(
            "SELECT key, count, boot.name, batch.mono, batch.wall, batch.trusted, length(body)"
            " FROM batch JOIN boot ON boot.id = batch.boot"
            " WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
            (key(epoch, stream, first), key(epoch, stream, last), limit),
        ).fetchall()
        return [_extent(row) for row in rows]

    def close(self) -> None:
        self._connection.close()

    def _start(self, epoch: int, stream: str, first: int) -> int:
        """The key of the batch that has this number, or of where it would be."""
        row = self._connection.execute(
            "SELECT key FROM batch WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
            (key(epoch, stream, 0), key(epoch, stream, first)),
        ).fetchone()
        return int(row[0]) if row else key(epoch, stream, first)


def stored(row: Sequence[Any]) -> Stored:
    """Of the columns key, count, boot's name, mono, wall, trusted, enc, body."""
    epoch, stream, first = parts(row[0])
    batch = Batch(row[2], row[3], row[4], bool(row[5]), row[1], row[6], row[7])
    try:
        content = decode(batch)
    except ValueError as error:
        log.error("buffer: %s %d of epoch %d: %s", stream, first, epoch, error)
        content = None
    return Stored(epoch, stream, first, first + batch.count - 1, content)


def every_batch(connection: sqlite3.Connection) -> Iterator[Stored]:
    """The whole store in order, for export and verification. Raises sqlite3.Error.

    A few at a time: a long read would keep the service from using its log again.
    """
    after = -1
    while rows := connection.execute(
        f"SELECT {_COLUMNS} WHERE key > ? ORDER BY key LIMIT 100", (after,)
    ).fetchall():
        yield from map(stored, rows)
        after = rows[-1][0]


def _extent(row: Sequence[Any]) -> Extent:
    epoch, stream, first = parts(row[0])
    last = first + row[1] - 1
    return Extent(epoch, stream, first, last, row[2], row[3], row[4], bool(row[5]), row[6])
