"""The store's tables, step by step. Numbered, forward only; a step that was shipped never changes.

Runs in a process of its own (`agent.buffer.migrate`): the service never loads sqlite-utils.
"""

import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from agent.buffer.limits import PAGE
from agent.buffer.schema import VERSION

steps = Migrations("fieldgate-buffer")


def migrate(path: Path) -> None:
    """Creates the store, or brings it up to date. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=15)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        steps.apply(Database(connection))
        connection.execute(f"PRAGMA user_version = {VERSION}")
    finally:
        connection.close()


@steps()
def m001_batches(db: Database) -> None:
    """Times are ms: `mono` on CLOCK_BOOTTIME of that boot, `wall` since 1970 UTC."""
    db.execute("CREATE TABLE boot (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT")
    db.execute(
        "CREATE TABLE epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " boot INTEGER NOT NULL, mono INTEGER NOT NULL, wall INTEGER NOT NULL,"
        " trusted INTEGER NOT NULL) STRICT"
    )
    db.execute(
        "CREATE TABLE batch (key INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
        " boot INTEGER NOT NULL, mono INTEGER NOT NULL, wall INTEGER NOT NULL,"
        " trusted INTEGER NOT NULL, enc INTEGER NOT NULL, body BLOB NOT NULL) STRICT"
    )
    db.execute(
        "CREATE VIEW batches AS SELECT epoch.name AS epoch, (key >> 40) & 7 AS stream,"
        " key & 1099511627775 AS first, (key & 1099511627775) + count - 1 AS last,"
        " datetime(batch.wall / 1000, 'unixepoch') AS wall, batch.trusted, enc,"
        " length(body) AS bytes FROM batch JOIN epoch ON epoch.id = key >> 43"
    )


@steps()
def m002_numbers(db: Database) -> None:
    """`head`: which epoch came before in that stream and where it ended, and where this one did
    (NULL while it runs). `owed` and `kept` reach to 2^40 - 1 where they grow with the stream."""
    db.execute(
        "CREATE TABLE head (epoch INTEGER NOT NULL, stream INTEGER NOT NULL, before TEXT,"
        " before_last INTEGER, last INTEGER, PRIMARY KEY (epoch, stream)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE kept (epoch INTEGER NOT NULL, stream INTEGER NOT NULL,"
        " first INTEGER NOT NULL, last INTEGER NOT NULL,"
        " PRIMARY KEY (epoch, stream, first)) STRICT, WITHOUT ROWID"
    )
    db.execute("CREATE TABLE uplink (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
    for table, reason in (
        ("owed", ""),
        ("gap", "reason TEXT NOT NULL, "),
        ("skip", "reason TEXT NOT NULL, "),
    ):
        db.execute(
            f"CREATE TABLE {table} (uplink TEXT NOT NULL, epoch INTEGER NOT NULL,"
            f" stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, {reason}"
            "PRIMARY KEY (uplink, epoch, stream, first)) STRICT, WITHOUT ROWID"
        )
