"""Gives back what only the start needed."""

import contextlib
import ctypes
import gc
from pathlib import Path

_MADV_DONTNEED = 4  # madvise(2): code is mapped again from the file when it runs again


def trim() -> None:
    """Frees what the allocator holds, and lets go of the machine code of libraries.

    Loading modules, models and configuration runs megabytes of code that never runs again; they
    stay resident until memory is short, which on a gateway of 1 GB is too late. Never fails: a
    kernel or a libc without these calls keeps its pages.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, ValueError):
        libc = ctypes.CDLL(None)
        libc.malloc_trim(ctypes.c_size_t(0))
        for start, length in _code():
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), _MADV_DONTNEED)


def _code() -> list[tuple[int, int]]:
    """(address, bytes) of the executable mappings of files: position-independent, so nobody has
    written to them. Other read-only mappings may hold relocations and are left alone."""
    found = []
    for line in Path("/proc/self/maps").read_text(encoding="ascii", errors="replace").splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith("/") and fields[1] == "r-xp":
            first, _, last = fields[0].partition("-")
            found.append((int(first, 16), int(last, 16) - int(first, 16)))
    return found
