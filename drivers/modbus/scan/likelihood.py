"""How well what stands in a device's registers fits a profile, in bits. Pure.

Bits are logarithms of probabilities to the base 2: nine bits more make a profile 512 times as
plausible. What stands in a register is compared with what stands there in devices at large, so
that a profile which explains a register gains, and one which says nothing about it does not.
"""

import math
import struct
from collections.abc import Sequence

from drivers.modbus.profile import Point, Setting
from drivers.modbus.words import chunk, pack_registers

_ORDINARY = {  # UCUM -> where most readings of sensors in the field are
    "Cel": (5.0, 35.0),
    "%": (5.0, 95.0),
    "[ppm]": (350.0, 2000.0),
    "V": (200.0, 250.0),
    "Hz": (49.0, 51.0),
    "[pH]": (5.0, 8.5),
    "hPa": (900.0, 1050.0),
    "m/s": (0.0, 15.0),
}
_ANYTHING = 2.0**-16
_LN_WORD = math.log(65537)
_BINADE = 2.0**23  # float32 numbers between a power of two and the next


def at_large(word: int) -> float:
    """Bits of a register of which nothing is known: mostly zero or small."""
    small = 0.5 / ((word + 1) * _LN_WORD)
    return math.log2((0.3 if word == 0 else 0.0) + small + 0.2 * _ANYTHING)


def setting_gain(setting: Setting, word: int, expected: int | None) -> float:
    """Bits of a register that sets the device up. `expected`: what it must hold, given that the
    device answers as it does."""
    right = 0.7 if word == expected else 0.0
    listed = 0.1 / len(setting.values) if word in setting.values else 0.0
    unset = 0.15 if word == 0 else 0.0
    return math.log2(right + listed + unset + 0.05 * _ANYTHING) - at_large(word)


def point_gain(point: Point, words: Sequence[int]) -> float:
    """Bits by which the point explains its registers better than chance does; 0 for a coil."""
    if point.is_bit:
        return 0.0
    blank = 2.0 ** (-16 * point.width)
    data = chunk(point)(pack_registers(words), 0)
    chance = _chance(point, data) + 0.01 * blank
    return math.log2(chance) - sum(at_large(word) for word in words)


def _chance(point: Point, data: bytes) -> float:
    """`data` has its most significant byte first."""
    unsigned = int.from_bytes(data)
    if unsigned in point.fault:
        return 0.05
    if point.type == "ascii":
        return _text(data)
    if point.type.startswith("float"):
        return _floating(point, data)
    if point.type == "bcd":
        digits = data.hex()
        return _whole(point, int(digits)) if digits.isdecimal() else 0.0
    if point.bit is not None:
        return _small(unsigned, 16 * point.width)
    return _whole(point, int.from_bytes(data, signed=point.type.startswith("int")))


def _text(data: bytes) -> float:
    text = data.rstrip(b"\0 ")
    printable = text.isascii() and text.decode("ascii", "replace").isprintable()
    return 0.9 / 95.0 ** len(text) if printable else 0.0


def _small(number: int, bits: int) -> float:
    """Of numbers whose size nobody knows, the small ones are more frequent, and zero most."""
    return (0.4 if number == 0 else 0.0) + 0.5 / ((abs(number) + 1) * math.log(2.0) * bits)


def _whole(point: Point, raw: int) -> float:
    if point.enum:
        return 0.9 / len(point.enum) if raw in point.enum else 0.0
    if point.range is None:
        return _small(raw, 16 * point.width)
    value = raw * point.scale + point.offset
    chance = 0.03 if raw == 0 else 0.0
    for low, high in _spans(point):
        if low <= value <= high:
            evenly = 1 / ((high - low) / abs(point.scale) + 1)
            chance += 0.4 * evenly + 0.07 * _small(raw, 16 * point.width)
    return chance


def _floating(point: Point, data: bytes) -> float:
    (raw,) = struct.unpack(">f" if len(data) == 4 else ">d", data)
    if not math.isfinite(raw):
        return 0.02 / _BINADE
    if raw == 0:
        return 0.1
    value = raw * point.scale + point.offset
    numbers = _BINADE * 2.0 ** (8 * len(data) - 32)
    round_number = 0.1 * 2.0**16 if not any(data[-2:]) else 0.0
    chance = 0.0
    for low, high in _spans(point) if point.range else [(-1e6, 1e6)]:
        if low <= value <= high and abs(raw) > 1e-4:
            largest = max(abs(low), abs(high), 1e-3)
            smallest = max(min(abs(low), abs(high)) if low * high > 0 else 0.0, largest * 1e-4)
            binades = math.log2(largest / smallest) + 1
            chance += (0.4 + round_number) / (numbers * binades)
    return chance


def _spans(point: Point) -> list[tuple[float, float]]:
    """The range, and the ordinary part of it; twice the range where there is no such part."""
    whole = point.range or (0.0, 0.0)
    usual = _ORDINARY.get(point.unit, whole)
    near = max(whole[0], usual[0]), min(whole[1], usual[1])
    return [whole, near if near[0] < near[1] else whole]
