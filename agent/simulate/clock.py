"""Simulated time: faster than the clock on the wall, from a time of day on."""

import time

from agent.clock import Clock
from agent.contract import Instant

DAY = 86400.0  # s


class FastClock(Clock):
    """`speed` times as fast as real time. `start` (s since midnight): what it shows at first, on
    the day that it is made; None: the real time."""

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        super().__init__()
        self._speed = speed
        self._made = time.monotonic()
        real = time.time()
        local = time.localtime(real)
        self._midnight = real - (local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec)
        self._start = real - self._midnight if start is None else start

    def elapsed(self) -> float:
        """Simulated seconds since the midnight before it was made."""
        return self._start + (time.monotonic() - self._made) * self._speed

    def now(self) -> Instant:
        now = super().now()
        wall = int((self._midnight + self.elapsed()) * 1e9)
        return Instant(now.boot, now.mono, wall, now.trusted)

    def real(self, simulated: float) -> float:
        """How long that takes, in s."""
        return simulated / self._speed

    def shown(self) -> str:
        """Like 08:15:00."""
        second = int(self.elapsed() % DAY)
        return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
