"""Bytes that the disk takes for a reading, in groups of 20, 200 and 1000.

A loop device with an ext4 of its own holds nothing but the store, so that its sectors are what
storing costs: log, checkpoints, the file system's journal. One uplink settles all that is stored;
what it settled rides in the next group. Counted once the store is full, so that what is evicted
costs its share. Needs root and a loop device.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agent.buffer import Buffer, Limits, open_buffer
from agent.clock import Clock
from agent.contract import TELEMETRY, Lane, Outbox, Record
from agent.status import Board
from benchmarks._readings import readings

GOALS = {20: 250.0, 200: 50.0, 1000: 12.0}  # bytes a reading
COUNTED = {20: 2000, 200: 1000, 1000: 500}  # groups
FULL = 4_500_000  # bytes: small enough to be filled soon; its log is half that of a large store
SECTOR = 512
IMAGE = 512 * 10**6  # bytes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, nargs="*", default=list(GOALS))
    args = parser.parse_args()
    for group in args.groups:
        try:
            with loop_device() as (folder, device):
                value, body = asyncio.run(measure(folder, device, group))
        except (OSError, subprocess.CalledProcessError) as error:
            skipped = f"no loop device: {error}"
            print(json.dumps({"bench": "wear: not measured", "ok": None, "why": skipped}))
            return 0
        result = {
            "bench": f"wear: bytes to the device per reading, groups of {group}",
            "value": round(value, 1),
            "goal": f"<= {GOALS[group]:g}",
            "ok": value <= GOALS[group],
            "body_bytes_per_reading": round(body, 2),
        }
        print(json.dumps(result), flush=True)
    return 0


@contextlib.contextmanager
def loop_device() -> Iterator[tuple[Path, str]]:
    """A mounted folder, and the name of the block device that it is on."""
    with tempfile.TemporaryDirectory() as folder:
        image, mount = Path(folder) / "image", Path(folder) / "disk"
        mount.mkdir()
        with image.open("wb") as file:
            file.truncate(IMAGE)
        lazy = "lazy_itable_init=0,lazy_journal_init=0"
        call("mkfs.ext4", "-q", "-E", lazy, str(image))
        device = call("losetup", "--show", "-f", str(image))
        try:
            call("mount", "-o", "noatime", device, str(mount))
            try:
                yield mount, Path(device).name
            finally:
                call("umount", str(mount))
        finally:
            call("losetup", "-d", device)


def call(*words: str) -> str:
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def sectors(device: str, folder: Path) -> int:
    call("sync", "-f", str(folder))
    return int(Path(f"/sys/block/{device}/stat").read_text(encoding="ascii").split()[6])


async def measure(folder: Path, device: str, group: int) -> tuple[float, float]:
    """Bytes to the device, and bytes of bodies, for each reading."""
    board, source = Board(), readings()
    counted = COUNTED[group]
    limits = Limits(max_size=FULL, commit_every=3600.0, commit_records=10**6, flushes=1e9)
    async with open_buffer(folder / "state", limits, ["cloud"], Clock(), board) as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        head = 0
        while board.buffer.records == head:
            await store(buffer, outbox, source, group, 200)
            head += 200 * group
            buffer.report()
        start = sectors(device, folder)
        await store(buffer, outbox, source, group, counted)
        written = (sectors(device, folder) - start) * SECTOR
    return written / (counted * group), bodies(folder / "state" / "buffer.db")


async def store(
    buffer: Buffer, outbox: Outbox, source: Iterator[Record], group: int, groups: int
) -> None:
    for _ in range(groups):
        await buffer.put(list(itertools.islice(source, group)))
        await buffer.flush()
        while pack := await outbox.owed(TELEMETRY, Lane.LIVE, 500):
            await outbox.settle(pack)


def bodies(store: Path) -> float:
    import sqlite3

    with contextlib.closing(sqlite3.connect(store)) as connection:
        query = "SELECT 1.0 * sum(length(body)) / sum(count) FROM batch"
        return float(connection.execute(query).fetchone()[0])


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])
    sys.exit(main())
