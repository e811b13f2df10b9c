"""How full the store is and how fast it fills. Cheap enough to be asked every second."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512  # bytes, always, in /sys/dev/block/*/stat
SMOOTHING = 120.0  # s


@dataclass(slots=True)
class Rate:
    """Records a second, smoothed."""

    value: float | None = None
    _count: int = 0
    _since: float | None = None

    def measure(self, count: int, now: float) -> float | None:
        """`count` since start; None until there have been two looks."""
        if self._since is not None and now > self._since:
            span = now - self._since
            fresh = (count - self._count) / span
            weight = 1.0 if self.value is None else min(1.0, span / SMOOTHING)
            self.value = fresh if self.value is None else self.value + weight * (fresh - self.value)
        self._count, self._since = count, now
        return self.value


def hours_left(room: int, used: int, records: int, owed: int, rate: float | None) -> float | None:
    """Until the first owed record has to go, were nothing sent; `room` and `used` in bytes.

    What is settled makes way. None while nothing is stored or nothing comes.
    """
    if not rate or not records:
        return None
    return max(0.0, room / (used / records) - owed) / rate / 3600


def size(path: Path) -> int:
    """Bytes of the store and its log on disk."""
    total = 0
    for name in (path.name, path.name + "-wal"):
        with contextlib.suppress(OSError):
            total += path.with_name(name).stat().st_size
    return total


def device_written(folder: Path) -> int | None:
    """Bytes that the block device under a folder has taken since boot; None where unknown."""
    device = folder.stat().st_dev
    stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    with contextlib.suppress(OSError, LookupError, ValueError):
        return int(stat.read_text(encoding="ascii").split()[6]) * SECTOR
    return None
