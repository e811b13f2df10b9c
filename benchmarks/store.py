"""What it costs to make readings safe: rate beside bare SQLite, and flushes.

The yardstick inserts the same encoded bodies with `executemany`, one transaction a group, into a
table of its own in a file with the same pages and pragmas; both take short turns, so that whatever
else the machine does hits both. Two more figures have no goal: with a settlement in every
transaction, which bare SQLite has not, and with everything: `put`, encoding, the hop to the writing
thread and back, `flush`. Flushes are counted by strace in another process.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from agent.buffer import Limits, open_buffer, past, schema
from agent.buffer.accounts import Accounts
from agent.buffer.columns import Batch, encode
from agent.buffer.store import Store, Work
from agent.clock import Clock
from agent.contract import STREAMS, TELEMETRY, Lane, Ranges, Record
from agent.status import Board
from benchmarks._readings import readings

OF_BARE, FLUSHES = 0.8, 1.1
GROUPS = {20: 600, 200: 400, 1000: 200}
ROUNDS = 7
TURN = 5  # groups that one of the two writes before it is the other's turn
Groups = Sequence[Sequence[Record]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", nargs=2, metavar=("FOLDER", "COUNT"), help="for strace")
    args = parser.parse_args()
    if args.commit:
        asyncio.run(commit(Path(args.commit[0]), int(args.commit[1])))
        return 0
    for group, count in GROUPS.items():
        source = readings()
        groups = [list(itertools.islice(source, group)) for _ in range(count)]
        for result in rates(group, groups):
            print(json.dumps(result), flush=True)
    print(json.dumps(flushes()), flush=True)
    return 0


def rates(group: int, groups: Groups) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        encoded = [list(encode(records)) for records in groups]
        bare = bare_sqlite(root / "bare.db")
        stores = [OurStore(root / "settling.db"), OurStore(root / "ours.db")]
        bare_time, times = 0.0, [0.0, 0.0]
        for turn in range(ROUNDS):
            for start in range(0, len(encoded), TURN):
                some = encoded[start : start + TURN]
                bare_time += spent(partial(insert, bare, some, turn * 10**9 + start * 10**3))
                times[0] += append(stores[0], some, settling=True)
                times[1] += append(stores[1], some, settling=False)
        bare.close()
        for store in stores:
            store.close()
        whole = asyncio.run(everything(root / "whole", groups))
    settling, ratio = (bare_time / ours for ours in times)
    total = sum(map(len, groups))
    return [
        {
            "bench": f"store: durable ingest of bare executemany, groups of {group}",
            "value": round(ratio, 2),
            "goal": f">= {OF_BARE}",
            "ok": ratio >= OF_BARE,
            "readings_per_s": round(ROUNDS * total / times[1]),
            "with_settlements": round(settling, 2),
        },
        {
            "bench": f"store: put to safe, with encoding, groups of {group}",
            "value": round(total / whole),
            "unit": "readings/s",
            "of_bare": round(bare_time / ROUNDS / whole, 2),
        },
    ]


def spent(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def bare_sqlite(path: Path) -> sqlite3.Connection:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE batch (key INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    return opened(path)


def opened(path: Path) -> sqlite3.Connection:
    connection = schema.open_writable(path, Limits().wal_pages)
    schema.grow_log(connection, path, Limits().wal_pages)
    return connection


def insert(connection: sqlite3.Connection, encoded: Sequence[Sequence[Batch]], key: int) -> None:
    for batches in encoded:
        rows = [(key := key + 1, batch.body) for batch in batches]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO batch VALUES (?, ?)", rows)
        connection.execute("COMMIT")


class OurStore:
    """The store with one uplink."""

    def __init__(self, path: Path) -> None:
        schema.ensure(path)
        self.connection = opened(path)
        self.clock = Clock()
        before = past.load(self.connection)
        epoch = past.begin(self.connection, before, ["cloud"], self.clock.now())
        self.accounts = Accounts(before, epoch, ["cloud"])
        self.store = Store(self.connection, epoch)

    def write(self, batches: Sequence[Batch]) -> None:
        """What the buffer does for a group, in both of its threads."""
        changes = self.accounts.changes()
        done = self.store.write({TELEMETRY: batches}, Work(self.clock.now, {}, changes))
        self.accounts.saved(changes)
        for stream in STREAMS:
            self.accounts.appended(stream, done.heads[stream], done.stored[stream])

    def settle(self) -> None:
        """What an uplink does meanwhile."""
        account = self.accounts.of("cloud", TELEMETRY)
        while taken := account.take(Lane.LIVE, 1000):
            account.settle(taken.epoch, Ranges.of(taken.first, taken.last))

    def close(self) -> None:
        assert all(law.holds for law in self.accounts.law("cloud").values())
        self.store.close()


def append(store: OurStore, encoded: Sequence[Sequence[Batch]], *, settling: bool) -> float:
    """Seconds, without those of the uplink."""
    total = 0.0
    for batches in encoded:
        total += spent(partial(store.write, batches))
        if settling:
            store.settle()
    return total


async def everything(folder: Path, groups: Groups) -> float:
    """Seconds for all groups, each put and flushed by itself."""
    limits = Limits(commit_every=3600.0, commit_records=10**6, flushes=1e9)
    async with open_buffer(folder, limits, ["cloud"], Clock(), Board()) as buffer:
        began = time.perf_counter()
        for group in groups:
            await buffer.put(group)
            await buffer.flush()
        return time.perf_counter() - began


def flushes() -> dict[str, Any]:
    name = "store: flushes per commit, with settlements riding"
    if shutil.which("strace") is None:
        return {"bench": name, "ok": None, "why": "strace is not installed"}
    few, many = (counted_flushes(count) for count in (100, 1100))
    value = (many - few) / 1000
    return {"bench": name, "value": value, "goal": f"<= {FLUSHES}", "ok": value <= FLUSHES}


def counted_flushes(commits: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "strace"
        command = [sys.executable, str(Path(__file__)), "--commit", folder, str(commits)]
        trace = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(log)]
        subprocess.run([*trace, *command], check=True)
        lines = log.read_text(encoding="utf-8").splitlines()
    return sum(1 for line in lines if re.search(r"\b(fsync|fdatasync)\(", line))


async def commit(folder: Path, count: int) -> None:
    """Groups of 20, each sent and settled before the next."""
    limits = Limits(commit_every=3600.0, commit_records=10**6, flushes=1e9)
    source = readings()
    async with open_buffer(folder / "state", limits, ["cloud"], Clock(), Board()) as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        for _ in range(count):
            await buffer.put(list(itertools.islice(source, 20)))
            await buffer.flush()
            while pack := await outbox.owed(TELEMETRY, Lane.LIVE, 500):
                await outbox.settle(pack)


if __name__ == "__main__":
    sys.exit(main())
