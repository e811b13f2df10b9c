"""Looking into a store, and owing again, without a running service. For commands.

Reading works beside a running service; `owe` takes the store's lock.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.buffer import past, schema
from agent.buffer.accounts import Accounts, Epoch, Past
from agent.buffer.limits import Limits
from agent.buffer.lock import locked
from agent.buffer.reader import Stored, every_batch
from agent.buffer.store import write_rows
from agent.contract import STREAMS, DeviceFault, LinkLost, Misconfigured, Ranges


def connect(folder: Path) -> sqlite3.Connection:
    """Read-only. Raises LinkLost when there is no store or it cannot be read, Misconfigured when
    it is of another version."""
    path = folder / schema.FILE
    try:
        connection = schema.open_readonly(path)
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error as error:
        raise LinkLost(
            "no store can be read in {folder}: {why}",
            hint="name the folder with --store, or use sudo",
            reason="storage",
            folder=folder,
            why=error,
        ) from error
    if found != schema.VERSION:
        connection.close()
        raise Misconfigured(
            "{path} has store version {found}, this fieldgate knows {known}",
            hint="start the service once, or use the version that wrote it",
            path=path,
            found=found,
            known=schema.VERSION,
        )
    return connection


def inventory(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """One entry for each epoch, oldest first: per stream the last number, what is stored, and
    for each uplink what is owed, given up and skipped, as texts like "1-5,9"."""
    found = past.load(connection)
    started = dict(connection.execute("SELECT name, wall FROM epoch"))
    return [
        {
            "epoch": epoch.name,
            "started": started[epoch.name] / 1000,
            "streams": {s: _stream(found, epoch, s) for s in STREAMS if epoch.head[s]},
        }
        for epoch in found.epochs
    ]


def _stream(found: Past, epoch: Epoch, stream: str) -> dict[str, Any]:
    whole = Ranges.of(1, epoch.head[stream])
    uplinks = {}
    for uplink in sorted(found.uplinks):
        of = (uplink, epoch.name, stream)
        uplinks[uplink] = {
            "owed": str(found.owed.get(of, Ranges()) & whole),
            "gap": {reason: str(numbers) for reason, numbers in found.gaps.get(of, {}).items()},
            "skip": {reason: str(numbers) for reason, numbers in found.skips.get(of, {}).items()},
        }
    return {"last": whole.last, "stored": str(epoch.kept[stream]), "uplinks": uplinks}


@dataclass(slots=True)
class Findings:
    """What `verify` saw."""

    batches: int = 0
    records: int = 0
    problems: list[DeviceFault] = field(default_factory=list)


def verify(connection: sqlite3.Connection) -> Findings:
    """Integrity of the file, every batch decoded, every number in one place only."""
    findings = Findings()
    try:
        findings.problems += _unsound(connection)
        before = past.load(connection)
        found = _decode_all(connection, findings)
        after = past.load(connection)
    except sqlite3.DatabaseError as error:
        findings.problems.append(_damaged(error))
        return findings
    findings.problems += _without_batch(before, after, found)
    findings.problems += _contradictions(after)
    return findings


def _unsound(connection: sqlite3.Connection) -> list[DeviceFault]:
    said = [str(row[0]) for row in connection.execute("PRAGMA quick_check")]
    return [] if said == ["ok"] else [_damaged(line) for line in said]


def _damaged(why: object) -> DeviceFault:
    return DeviceFault("the file is damaged: {why}", why=why)


def _decode_all(
    connection: sqlite3.Connection, findings: Findings
) -> dict[tuple[int, str], Ranges]:
    found: dict[tuple[int, str], Ranges] = {}
    for batch in every_batch(connection):
        findings.batches += 1
        of = (batch.epoch, batch.stream)
        if batch.content is None:
            where = _where(batch)
            findings.problems.append(DeviceFault("a batch cannot be decoded: {where}", where=where))
        elif batch.range & found.get(of, Ranges()):
            where = _where(batch)
            findings.problems.append(
                DeviceFault("two batches have the same numbers: {where}", where=where)
            )
        findings.records += len(batch.range)
        found[of] = found.get(of, Ranges()) | batch.range
    return found


def _where(batch: Stored) -> str:
    return f"{batch.epoch}/{batch.stream} {batch.range}"


def _without_batch(
    before: Past, after: Past, found: dict[tuple[int, str], Ranges]
) -> Iterator[DeviceFault]:
    """Numbers that were called stored before and after we looked, and of which there is nothing."""
    still = {epoch.name: epoch for epoch in after.epochs}
    for epoch in before.epochs:
        for stream in STREAMS if epoch.name in still else ():
            kept = epoch.kept[stream] & still[epoch.name].kept[stream]
            missing = kept - found.get((epoch.id, stream), Ranges())
            if missing:
                where = f"{epoch.name}/{stream} {missing}"
                yield DeviceFault("in the books, but not in the store: {where}", where=where)


def _contradictions(after: Past) -> Iterator[DeviceFault]:
    heads = {(e.name, stream): e.head[stream] for e in after.epochs for stream in STREAMS}
    for of in after.owed.keys() | after.gaps.keys() | after.skips.keys():
        whole = Ranges.of(1, heads[of[1], of[2]])
        parts = [after.owed.get(of, Ranges())]
        parts += [*after.gaps.get(of, {}).values(), *after.skips.get(of, {}).values()]
        parts = [part & whole for part in parts]
        if sum(map(len, parts)) != len(Ranges.union(parts)):
            where = "/".join(of)
            yield DeviceFault("the books have a number in two places: {where}", where=where)


def owe(folder: Path, uplink: str, epoch: str, stream: str, numbers: Ranges) -> int:
    """Owes again; returns how many. For a store that no service uses.

    Raises Misconfigured: it is in use, or knows no such uplink or epoch.
    """
    with locked(folder), closing(connect(folder)) as reading:
        before = past.load(reading)
        _check_known(uplink, epoch, before)
        nobody = Epoch(-1, "")
        accounts = Accounts(before, nobody, [uplink])
        owed = accounts.of(uplink, stream).owe(epoch, numbers, accounts.epochs[epoch].kept[stream])
        changes = accounts.changes()
        changes.insert = [(table, row) for table, row in changes.insert if row[1] != nobody.id]
        with closing(schema.open_writable(folder / schema.FILE, Limits().wal_pages)) as writing:
            writing.execute("BEGIN IMMEDIATE")
            write_rows(writing, changes)
            writing.execute("COMMIT")
    return len(owed)


def _check_known(uplink: str, epoch: str, before: Past) -> None:
    epochs = [e.name for e in before.epochs]
    if uplink not in before.uplinks:
        raise Misconfigured(
            "the store knows no uplink '{name}'; it knows: {known}",
            hint="see: fieldgate buffer list",
            name=uplink,
            known=", ".join(sorted(before.uplinks)) or "-",
        )
    if epoch not in epochs:
        raise Misconfigured(
            "the store knows no epoch '{name}'; it knows: {known}",
            hint="see: fieldgate buffer list",
            name=epoch,
            known=", ".join(epochs[-5:]) or "-",
        )
