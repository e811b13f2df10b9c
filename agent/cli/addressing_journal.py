"""What has been given to whom: a line of JSON before and after each write, on disk before it.

intent: from here on the device may have the new id
pending: the device has said itself that it will have it after its next start
done: it answers at the new id, and nobody at the old one
void: it refused
forgotten: its owner gave it up; some device may have the id, so it is given no more
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from agent.contract import LinkLost, Misconfigured

STEPS = ("intent", "pending", "done", "void", "forgotten")


@dataclass(frozen=True, slots=True)
class Entry:
    """`t` in seconds since 1970 UTC, by the gateway's clock. `wire`: its port or peer."""

    step: str
    wire: str
    profile: str
    old: int
    new: int
    serial: str = ""
    t: float = field(default_factory=time.time)

    def then(self, step: str) -> "Entry":
        return Entry(step, self.wire, self.profile, self.old, self.new, self.serial)


class Journal:
    """Of one wire; the file may hold those of others, too. One command at a time has it open."""

    def __init__(self, file: Path, wire: str) -> None:
        """Raises Misconfigured when it cannot be written, LinkLost while another has it."""
        self._file, self._wire = file, wire
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Misconfigured(
                "the journal {file} cannot be written: {why}",
                hint="use sudo, or give another file with --journal",
                file=file,
                why=error.strerror or error,
            ) from error
        self._lock()
        _sync_folder(file.parent)
        self._entries = list(_entries(file, wire))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    @property
    def given(self) -> dict[int, Entry]:
        """Ids that devices have, by the last word on each."""
        last = {entry.new: entry for entry in self._entries}
        return {new: entry for new, entry in last.items() if entry.step == "done"}

    @property
    def doubtful(self) -> frozenset[int]:
        """Ids that some device may have, or get at its next start."""
        last = {entry.new: entry.step for entry in self._entries}
        return frozenset(new for new, step in last.items() if step not in {"done", "void"})

    @property
    def unfinished(self) -> Entry | None:
        """The last entry, if it says neither done nor void."""
        last = self._entries[-1] if self._entries else None
        return last if last is not None and last.step in {"intent", "pending"} else None

    def put(self, entry: Entry) -> None:
        """Returns once it is on disk."""
        line = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
        try:
            os.write(self._fd, (b"" if self._ends_well() else b"\n") + line)
            os.fsync(self._fd)
        except OSError as error:
            raise LinkLost(
                "the journal {file} cannot be written: {why}",
                hint="make room on the disk, then begin again: nothing is given twice",
                file=self._file,
                why=error.strerror or error,
            ) from error
        self._entries.append(entry)

    def _ends_well(self) -> bool:
        """A line that lost its end with the power gets one, and is then passed over."""
        size = os.fstat(self._fd).st_size
        return size == 0 or os.pread(self._fd, 1, size - 1) == b"\n"

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise LinkLost(
                "another `fieldgate address` is at work with {file}",
                hint="let it finish, or end it",
                file=self._file,
            ) from error


def _entries(file: Path, wire: str) -> Iterator[Entry]:
    for line in file.read_bytes().splitlines():
        try:
            entry = Entry(**json.loads(line))
        except (ValueError, TypeError):
            continue  # cut short by a power failure: it was never acted upon
        if entry.wire == wire and entry.step in STEPS:
            yield entry


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
