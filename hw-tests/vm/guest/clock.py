"""clock.py [SECONDS]: sets the clock to so many seconds since 1970, then says it is synchronised.

What a time service does when it has reached its server. Needs root.
"""

import ctypes
import os
import sys
import time

_ADJ_MAXERROR, _ADJ_ESTERROR, _ADJ_STATUS = 0x0004, 0x0008, 0x0010  # adjtimex(2)
_STA_PLL = 0x0001


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def main() -> None:
    if len(sys.argv) > 1:
        time.clock_settime(time.CLOCK_REALTIME, float(sys.argv[1]))
    timex = _Timex(modes=_ADJ_MAXERROR | _ADJ_ESTERROR | _ADJ_STATUS, status=_STA_PLL)
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main()
