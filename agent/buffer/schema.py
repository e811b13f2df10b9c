"""Opening the database file: its version, its settings, and who may open it how."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from agent.buffer.limits import FRAME, PAGE
from agent.contract import LinkLost, Misconfigured

VERSION = 2  # PRAGMA user_version: the number of migration steps
FILE = "buffer.db"
MIGRATION_TIMEOUT = 120.0  # s


def ensure(path: Path) -> None:
    """Creates the store or brings it up to date, in a process of its own.

    Raises Misconfigured when a newer fieldgate wrote it, LinkLost when the disk will not have it,
    sqlite3.DatabaseError when it is damaged.
    """
    found = version(path)
    if found > VERSION:
        raise Misconfigured(
            "{path} was written by a newer fieldgate (store version {found}, known: {known})",
            hint="install that version again, or move the file away to start with an empty store",
            path=path,
            found=found,
            known=VERSION,
        )
    if found == VERSION:
        return
    process = subprocess.run(  # noqa: S603  our own module, by our own interpreter
        [sys.executable, "-m", "agent.buffer.migrate", str(path)],
        capture_output=True,
        text=True,
        timeout=MIGRATION_TIMEOUT,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    if process.returncode:
        raise LinkLost(
            "the store {path} cannot be prepared: {why}",
            hint="is there room on the disk, and may this user write there?",
            reason="storage",
            path=path,
            why=(process.stderr.strip().splitlines() or ["it gave no reason"])[-1],
        )


def version(path: Path) -> int:
    """0 when there is no store yet. Raises sqlite3.DatabaseError when it is not one."""
    if not path.exists() or path.stat().st_size == 0:
        return 0
    connection = sqlite3.connect(path, timeout=15)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def open_writable(path: Path, wal_pages: int) -> sqlite3.Connection:
    """The only connection that writes; used by one thread, which need not be this one."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=15)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {wal_pages}")
    connection.execute(f"PRAGMA journal_size_limit = {2 * wal_pages * (PAGE + FRAME)}")
    connection.execute("PRAGMA cache_size = -500")
    return connection


def open_readonly(path: Path) -> sqlite3.Connection:
    """Sees what is committed, also while the service writes. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=15,
    )
    connection.execute("PRAGMA cache_size = -500")
    connection.execute("PRAGMA query_only = ON")
    return connection


def shrink(connection: sqlite3.Connection, path: Path, most: int) -> None:
    """Gives space back where the bound (bytes) was lowered and what is stored fits it by now.
    Otherwise the file never shrinks: what was erased in it is written over."""
    if path.stat().st_size <= most:
        return
    free = connection.execute("PRAGMA freelist_count").fetchone()[0] * PAGE
    if path.stat().st_size - free <= most:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def grow_log(connection: sqlite3.Connection, path: Path, wal_pages: int) -> None:
    """Gives the log its full size at once: overwriting a file in place costs the file system no
    journal, growing it does. The pages that this takes in the database itself are free again."""
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size >= wal_pages * (PAGE + FRAME):
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE IF NOT EXISTS ballast (body BLOB)")
    connection.execute("INSERT INTO ballast VALUES (zeroblob(?))", (wal_pages * PAGE,))
    connection.execute("COMMIT")
    connection.execute("DROP TABLE ballast")
    connection.execute("PRAGMA wal_checkpoint(RESTART)")
