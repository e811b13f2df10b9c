"""A damaged store: noticed, put aside, and what can be read of it brought into a new one."""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.buffer import past, schema
from agent.buffer.accounts import Past
from agent.buffer.keys import parts
from agent.buffer.reader import stored
from agent.contract import STREAMS, Ranges

log = logging.getLogger(__name__)

CHECK_UP_TO = 64 * 10**6  # bytes: a larger store is read through only when something was wrong
SUSPECT = "buffer.suspect"  # a file: the last run met a damaged page
TABLES = ("boot", "epoch", "head", "kept", "uplink", "owed", "gap", "skip")


@dataclass(slots=True)
class Salvage:
    """What became of a damaged store. `lost` is per epoch name and stream."""

    file: str
    records: int = 0
    lost: dict[tuple[str, str], Ranges] = field(default_factory=dict)


def prepare(path: Path) -> Salvage | None:
    """Brings a store that can be used to `path`; says so when the old one could not.

    Raises Misconfigured, LinkLost, sqlite3.OperationalError (the disk).
    """
    suspect = path.with_name(SUSPECT)
    try:
        schema.ensure(path)
        check(path, whole=suspect.exists() or path.stat().st_size <= CHECK_UP_TO)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        saved = _replace(path, error)
        suspect.unlink(missing_ok=True)
        return saved
    suspect.unlink(missing_ok=True)
    return None


def check(path: Path, *, whole: bool) -> None:
    """Raises sqlite3.DatabaseError when the file is damaged, as far as was looked."""
    connection = sqlite3.connect(path, timeout=15)
    try:
        if whole:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if said != "ok":
                raise sqlite3.DatabaseError(said)
        past.load(connection)
    finally:
        connection.close()


def _replace(path: Path, error: sqlite3.Error) -> Salvage:
    aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    log.error(
        "buffer: %s is damaged (%s); kept as %s, going on with what can be read", path, error, aside
    )
    for end in ("", "-wal", "-shm"):
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(aside.with_name(aside.name + end))
    schema.ensure(path)
    salvage = Salvage(aside.name)
    old = sqlite3.connect(aside, isolation_level=None, timeout=15)
    new = sqlite3.connect(path, isolation_level=None, timeout=15)
    try:
        new.execute("BEGIN IMMEDIATE")
        _copy_tables(old, new)
        found = _copy_batches(old, new, salvage)
        _count_losses(past.load(new), found, salvage)
        new.execute("COMMIT")
    finally:
        old.close()
        new.close()
    return salvage


def _copy_tables(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    for table in TABLES:
        for row in _rows(old, f"SELECT * FROM {table}"):  # noqa: S608  a name of ours
            marks = ", ".join("?" * len(row))
            new.execute(
                f"INSERT OR IGNORE INTO {table} VALUES ({marks})",  # noqa: S608  a name of ours
                row,
            )


def _rows(old: sqlite3.Connection, query: str) -> Iterator[Sequence[Any]]:
    """As far as they can be read."""
    try:
        yield from old.execute(query)
    except sqlite3.DatabaseError as error:
        log.warning("buffer: cannot be read: %s (%s)", query, error)


def _copy_batches(
    old: sqlite3.Connection, new: sqlite3.Connection, salvage: Salvage
) -> dict[tuple[int, str], Ranges]:
    """From both ends, so that one bad place hides nothing behind it. Per epoch and stream the
    numbers that were found; a body that cannot be decoded stays behind."""
    names = dict(new.execute("SELECT id, name FROM boot"))
    found: dict[tuple[int, str], Ranges] = {}
    seen: set[int] = set()
    for order in ("ASC", "DESC"):
        for row in _rows(old, f"SELECT * FROM batch ORDER BY key {order}"):  # noqa: S608  ours
            if row[0] in seen:
                break
            seen.add(row[0])
            batch = stored((*row[:2], names.get(row[2], ""), *row[3:]))
            if batch.content is not None and parts(row[0])[0] == batch.epoch:
                new.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
                salvage.records += len(batch.range)
                of = (batch.epoch, batch.stream)
                found[of] = found.get(of, Ranges()) | batch.range
    return found


def _count_losses(remembered: Past, found: dict[tuple[int, str], Ranges], salvage: Salvage) -> None:
    for epoch in remembered.epochs:
        for stream in STREAMS:
            lost = epoch.kept[stream] - found.get((epoch.id, stream), Ranges())
            if lost:
                salvage.lost[epoch.name, stream] = lost
