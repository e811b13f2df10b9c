"""What time it is, by the clock that never jumps and by the one that people read."""

import ctypes
import time
from functools import cache
from pathlib import Path

from agent.contract import Instant

_STA_UNSYNC = 0x0040  # adjtimex(2): the kernel does not consider the clock synchronised
_TIME_ERROR = 5
_TRUST_FOR = 1_000_000_000  # ns that one look at the kernel's state is good for


@cache
def boot_id() -> str:
    """The kernel's random id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class _Timex(ctypes.Structure):
    """struct timex; only `modes` and `status` are looked at, the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_synchronised() -> bool:
    """What the kernel knows of NTP, asked with adjtimex (needs no privilege). False if it won't
    say."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError):
        return False
    return bool(0 <= state != _TIME_ERROR and not timex.status & _STA_UNSYNC)


class Clock:
    """Hands out Instants; asks the kernel about its synchronisation at most once a second."""

    def __init__(self) -> None:
        self._boot = boot_id()
        self._asked = -_TRUST_FOR
        self._trusted = False

    def now(self) -> Instant:
        mono = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if mono - self._asked >= _TRUST_FOR:
            self._asked, self._trusted = mono, kernel_synchronised()
        return Instant(self._boot, mono, time.time_ns(), self._trusted)
