"""Pictures: files beside the store, named by the events that they belong to, and gone in time.

A file is safe on disk before its event is. Whoever reads one later may find it gone: pictures are
personal data and expire by age, by number and by size, sent or not. A file whose event never came
to be (the power failed in between) goes the same way.

Until the clock is trusted a file is called `….u.jpg`; its age counts from when the clock was.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.contract import Instant, Picture, Value

UNSURE = ".u.jpg"
SURE = ".jpg"
DAY = 86400.0
SWEEP_EVERY = 60.0  # s


@dataclass(frozen=True, slots=True)
class MediaLimits:
    max_age: float = 7 * DAY  # s
    max_size: int = 500 * 10**6  # bytes
    max_count: int = 5000


class MediaStore:
    """Used by one thread at a time."""

    def __init__(self, folder: Path, limits: MediaLimits) -> None:
        self._folder, self._limits = folder, limits
        self._swept = float("-inf")

    def keep(self, picture: Picture, at: Instant) -> dict[str, Value | None]:
        """Returns what an event says of it. Raises OSError."""
        digest = hashlib.sha256(picture.jpeg).hexdigest()
        name = f"{at.wall // 1_000_000:x}-{digest[:16]}"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._folder / (name + (SURE if at.trusted else UNSURE))
        fresh = file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as to:
            to.write(picture.jpeg)
            to.flush()
            os.fsync(to.fileno())
        fresh.replace(file)
        return {
            "id": name,
            "sha256": digest,
            "bytes": len(picture.jpeg),
            "width": picture.width,
            "height": picture.height,
            "role": picture.role,
        }

    def read(self, name: str) -> bytes | None:
        """None when it is gone."""
        for suffix in (SURE, UNSURE):
            with contextlib.suppress(OSError):
                return (self._folder / (name + suffix)).read_bytes()
        return None

    def sweep(self, now: Instant) -> int:
        """What is too old, too many or too much goes, the oldest first. Returns how many went."""
        files = sorted(self._files(now))
        size = sum(bytes_ for _, bytes_, _ in files)
        gone = 0
        for stamp, bytes_, file in files:
            old = now.trusted and now.wall / 1e9 - stamp > self._limits.max_age
            many = len(files) - gone > self._limits.max_count
            if not (old or many or size > self._limits.max_size):
                break
            file.unlink(missing_ok=True)
            size, gone = size - bytes_, gone + 1
        return gone

    def sweep_when_due(self, now: Instant) -> int:
        due = time.monotonic() - self._swept >= SWEEP_EVERY
        if due:
            self._swept = time.monotonic()
        return self.sweep(now) if due else 0

    def _files(self, now: Instant) -> Iterator[tuple[float, int, Path]]:
        if not self._folder.is_dir():
            return
        for entry in os.scandir(self._folder):
            file = Path(entry.path)
            if entry.name.endswith(UNSURE) and now.trusted:
                os.utime(file, (now.wall / 1e9, now.wall / 1e9))
                file = file.rename(file.with_name(entry.name.removesuffix(UNSURE) + SURE))
            with contextlib.suppress(FileNotFoundError):
                look = file.stat()
                yield look.st_mtime, look.st_size, file
