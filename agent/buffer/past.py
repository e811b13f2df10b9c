"""Reading what earlier runs left in the store, and opening this run's epoch."""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence

from agent.buffer.accounts import Epoch, Of, Past, kept_rows
from agent.buffer.keys import MOST_EPOCHS, OPEN, STREAM_IDS, STREAM_NAMES, key, parts
from agent.contract import STREAMS, Instant, Misconfigured, Ranges

MS = 1_000_000  # ns
REMEMBERED = 1000  # epochs of which nothing is stored or owed any more


def load(connection: sqlite3.Connection) -> Past:
    """Raises sqlite3.DatabaseError when the store is damaged."""
    epochs = {i: Epoch(i, name) for i, name in connection.execute("SELECT id, name FROM epoch")}
    past = Past([epochs[i] for i in sorted(epochs)])
    past.uplinks = {name for (name,) in connection.execute("SELECT name FROM uplink")}
    for i, stream, before, before_last, last in connection.execute("SELECT * FROM head"):
        name = STREAM_NAMES[stream]
        epochs[i].before[name] = (before, before_last) if before is not None else None
        epochs[i].head[name] = last or 0
    for epoch in epochs.values():
        for stream in STREAMS:
            epoch.head[stream] = max(epoch.head[stream], _last(connection, epoch.id, stream))
    for i, stream, numbers in _kept(connection):
        epochs[i].kept[stream] = numbers & Ranges.of(1, epochs[i].head[stream])
    names = {i: epoch.name for i, epoch in epochs.items()}
    for uplink, i, stream, first, last in connection.execute("SELECT * FROM owed"):
        of = (uplink, names[i], STREAM_NAMES[stream])
        past.owed[of] = past.owed.get(of, Ranges()) | Ranges.of(first, last)
    past.gaps = _reasons(connection, "gap", names)
    past.skips = _reasons(connection, "skip", names)
    return past


def _last(connection: sqlite3.Connection, epoch: int, stream: str) -> int:
    """The last number of the newest batch, 0 when there is none."""
    row = connection.execute(
        "SELECT key, count FROM batch WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
        (key(epoch, stream, 0), key(epoch, stream, OPEN)),
    ).fetchone()
    return parts(row[0])[2] + row[1] - 1 if row else 0


def _kept(connection: sqlite3.Connection) -> Iterator[tuple[int, str, Ranges]]:
    found: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for i, stream, first, last in connection.execute("SELECT * FROM kept"):
        found.setdefault((i, STREAM_NAMES[stream]), []).append((first, last))
    for (i, name), intervals in found.items():
        yield i, name, Ranges.from_intervals(intervals)


def _reasons(
    connection: sqlite3.Connection, table: str, names: dict[int, str]
) -> dict[Of, dict[str, Ranges]]:
    found: dict[Of, dict[str, Ranges]] = {}
    rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608  a name of ours
    for uplink, i, stream, first, last, reason in rows:
        reasons = found.setdefault((uplink, names[i], STREAM_NAMES[stream]), {})
        reasons[reason] = reasons.get(reason, Ranges()) | Ranges.of(first, last)
    return found


def begin(
    connection: sqlite3.Connection, past: Past, uplinks: Sequence[str], now: Instant
) -> Epoch:
    """One transaction: earlier epochs end, this run's epoch begins, uplinks that are no longer
    configured are forgotten. `past` is changed to match. Returns the new epoch."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for epoch in _dispensable(past):
            _delete_epoch(connection, epoch)
            past.epochs.remove(epoch)
        for epoch in past.epochs:
            _end(connection, epoch)
        for gone in past.uplinks - set(uplinks):
            for table in ("owed", "gap", "skip"):
                connection.execute(
                    f"DELETE FROM {table} WHERE uplink = ?",  # noqa: S608  a name of ours
                    (gone,),
                )
            connection.execute("DELETE FROM uplink WHERE name = ?", (gone,))
        epoch = _start(connection, past, now)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    past.uplinks &= set(uplinks)
    return epoch


def _dispensable(past: Past) -> list[Epoch]:
    """Epochs that never gave a number, and the oldest of those that nothing is left of."""
    heads = {e.name: e.head for e in past.epochs}
    owed = {
        epoch
        for (_, epoch, stream), numbers in past.owed.items()
        if numbers & Ranges.of(1, heads[epoch][stream])
    }
    given = [e for e in past.epochs if any(e.head.values())]
    done = [e for e in given if not any(e.kept.values()) and e.name not in owed]
    empty = [e for e in past.epochs if not any(e.head.values())]
    return [*empty, *done[: max(0, len(done) - REMEMBERED)]]


def _delete_epoch(connection: sqlite3.Connection, epoch: Epoch) -> None:
    for table in ("head", "kept", "owed", "gap", "skip"):
        connection.execute(
            f"DELETE FROM {table} WHERE epoch = ?",  # noqa: S608  a name of ours
            (epoch.id,),
        )
    connection.execute("DELETE FROM epoch WHERE id = ?", (epoch.id,))


def _end(connection: sqlite3.Connection, epoch: Epoch) -> None:
    """Writes down where it ended, once."""
    for stream in STREAMS:
        done = connection.execute(
            "UPDATE head SET last = ? WHERE epoch = ? AND stream = ? AND last IS NOT ?",
            (epoch.head[stream], epoch.id, STREAM_IDS[stream], epoch.head[stream]),
        )
        if done.rowcount:
            where = (epoch.id, STREAM_IDS[stream])
            connection.execute("DELETE FROM kept WHERE epoch = ? AND stream = ?", where)
            rows = kept_rows(epoch, stream, running=False)
            connection.executemany("INSERT INTO kept VALUES (?, ?, ?, ?)", rows)


def _start(connection: sqlite3.Connection, past: Past, now: Instant) -> Epoch:
    last = past.epochs[-1] if past.epochs else None
    epoch = Epoch((last.id if last else 0) + 1, secrets.token_hex(6))
    if epoch.id > MOST_EPOCHS:
        raise Misconfigured(
            "the store has seen {count} starts and cannot count further",
            hint="let everything be sent, then move buffer.db away",
            count=MOST_EPOCHS,
        )
    times = (boot(connection, now.boot), now.mono // MS, now.wall // MS, now.trusted)
    connection.execute(
        "INSERT INTO epoch VALUES (?, ?, ?, ?, ?, ?)", (epoch.id, epoch.name, *times)
    )
    for stream in STREAMS:
        if last:
            ended = last.head[stream]
            epoch.before[stream] = (last.name, ended) if ended else last.before[stream]
        where = (epoch.id, STREAM_IDS[stream])
        before = epoch.before[stream] or (None, None)
        connection.execute("INSERT INTO head VALUES (?, ?, ?, ?, NULL)", (*where, *before))
        rows = kept_rows(epoch, stream, running=True)
        connection.executemany("INSERT INTO kept VALUES (?, ?, ?, ?)", rows)
    return epoch


def boot(connection: sqlite3.Connection, name: str) -> int:
    """The number that stands for a boot id."""
    connection.execute("INSERT OR IGNORE INTO boot (name) VALUES (?)", (name,))
    return int(connection.execute("SELECT id FROM boot WHERE name = ?", (name,)).fetchone()[0])
