"""Checksums at the end of frames. Pure."""

from collections.abc import Callable
from functools import lru_cache, reduce
from operator import xor
from typing import Literal

CheckName = Literal[
    "none", "auto",
    "sum8", "sum8_ones", "sum8_twos", "xor", "bcc", "xor_swapped", "crc8", "crc8_maxim",
    "sum16", "crc16_modbus", "crc16_arc", "crc16_ccitt", "crc16_xmodem", "crc16_kermit",
    "crc16_x25",
]  # fmt: skip
Check = Callable[[bytes], int]


def _xor(data: bytes) -> int:
    return reduce(xor, data, 0)


def _xor_swapped(data: bytes) -> int:
    value = _xor(data)
    return (value << 4 | value >> 4) & 0xFF


@lru_cache
def _table(width: int, poly: int, *, reflected: bool) -> tuple[int, ...]:
    mask = (1 << width) - 1
    if reflected:
        poly = int(f"{poly:0{width}b}"[::-1], 2)
    found = []
    for byte in range(256):
        value = byte if reflected else byte << (width - 8)
        for _ in range(8):
            if reflected:
                value = value >> 1 ^ poly if value & 1 else value >> 1
            else:
                value = (value << 1 ^ poly if value >> (width - 1) else value << 1) & mask
        found.append(value)
    return tuple(found)


def _crc(width: int, poly: int, start: int, end: int, *, reflected: bool) -> Check:
    """`start`: the register before the first byte; `end`: what it is XORed with at last."""
    table, mask = _table(width, poly, reflected=reflected), (1 << width) - 1

    def check(data: bytes) -> int:
        value = start
        for byte in data:
            if reflected:
                value = table[(value ^ byte) & 0xFF] ^ value >> 8
            else:
                value = table[(value >> (width - 8) ^ byte) & 0xFF] ^ (value << 8 & mask)
        return value ^ end

    return check


CHECKS: dict[str, tuple[int, Check]] = {
    "sum8": (1, lambda data: sum(data) & 0xFF),
    "sum8_ones": (1, lambda data: ~sum(data) & 0xFF),
    "sum8_twos": (1, lambda data: -sum(data) & 0xFF),
    "xor": (1, _xor),
    "xor_swapped": (1, _xor_swapped),
    "crc8": (1, _crc(8, 0x07, 0x00, 0x00, reflected=False)),
    "crc8_maxim": (1, _crc(8, 0x31, 0x00, 0x00, reflected=True)),
    "sum16": (2, lambda data: sum(data) & 0xFFFF),
    "crc16_modbus": (2, _crc(16, 0x8005, 0xFFFF, 0x0000, reflected=True)),
    "crc16_arc": (2, _crc(16, 0x8005, 0x0000, 0x0000, reflected=True)),
    "crc16_ccitt": (2, _crc(16, 0x1021, 0xFFFF, 0x0000, reflected=False)),
    "crc16_xmodem": (2, _crc(16, 0x1021, 0x0000, 0x0000, reflected=False)),
    "crc16_kermit": (2, _crc(16, 0x1021, 0x0000, 0x0000, reflected=True)),
    "crc16_x25": (2, _crc(16, 0x1021, 0xFFFF, 0xFFFF, reflected=True)),
}
"""Name -> (bytes, function). Parameters as in the catalogue of parametrised CRC algorithms."""

ALIASES = {"bcc": "xor"}


def check_named(name: str) -> tuple[int, Check]:
    return CHECKS[ALIASES.get(name, name)]


class Learner:
    """Finds out which checksum a device uses, from frames that are whole but for that.

    A candidate must be right for SAMPLES different frames in a row, and the only such one; one
    damaged frame starts the count anew. `learned` is "name" or "name:low_first".
    """

    SAMPLES = 3

    def __init__(self, size: int, learned: str = "") -> None:
        self.seen = 0
        self._size = size
        self._hits: dict[str, set[bytes]] = {name: set() for name in self._candidates()}
        self.learned = learned if learned in self._hits else ""

    def see(self, covered: bytes, found: bytes) -> None:
        """`found` are the bytes of the checksum, as they came."""
        if self.learned:
            return
        self.seen += 1
        for name, frames in self._hits.items():
            if self.digest(name, covered) == found:
                frames.add(covered)
            else:
                frames.clear()
        sure = [name for name, frames in self._hits.items() if len(frames) >= self.SAMPLES]
        if len(sure) == 1:
            self.learned = sure[0]

    @staticmethod
    def digest(learned: str, covered: bytes) -> bytes:
        name, _, order = learned.partition(":")
        size, check = check_named(name)
        return check(covered).to_bytes(size, "little" if order else "big")

    def _candidates(self) -> list[str]:
        names = [name for name, (size, _) in CHECKS.items() if size == self._size]
        return names if self._size == 1 else [n + o for n in names for o in ("", ":low_first")]
