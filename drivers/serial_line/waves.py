"""What a simulated device measures: slow, plausible, and the same at every start. Pure."""

import math
from hashlib import blake2b

from agent.contract import Value
from drivers.serial_line import layout
from drivers.serial_line.profile import Point

_TYPICAL = {  # UCUM -> where such values are on an ordinary day
    "Cel": (15.0, 28.0),
    "%": (40.0, 75.0),
    "[ppm]": (420.0, 900.0),
    "V": (3.4, 3.6),
    "m3": (100.0, 200.0),
    "dB[mW]": (-95.0, -60.0),
    "uT": (20.0, 55.0),
}
_CHANGE = 300.0  # s between two changes of a state


def value_at(key: str, point: Point, field: layout.Value, time: float) -> Value:
    """`key` names the device and point; `time` in s since 1970."""
    phase, place = _draws(key)
    if point.is_bool:
        return int(time / _CHANGE + phase * 2) % 2 == 1
    if point.enum:
        words = list(point.enum.values())
        return words[int(time / _CHANGE + phase * len(words)) % len(words)]
    if field.type in {"text", "raw"}:
        return "00" * (field.size or 0) if field.type == "raw" else "SIM"
    low, high = _span(point, field)
    if point.kind == "counter":
        return math.floor(low + (high - low) * place + time % 86400 / 60.0)
    slow = math.sin(math.tau * (time / (900.0 + 900.0 * place) + phase))
    return round(low + (high - low) * (0.5 + 0.5 * slow), 3)


def fitted(point: Point, field: layout.Value, told: Value) -> Value | None:
    """As the field can carry it: numbers within the range, words that it knows; else None."""
    if point.is_bool:
        return bool(told) if isinstance(told, bool | int) else None
    if point.enum:
        return told if told in point.enum.values() else None
    if field.type in {"text", "raw"} or isinstance(told, str):
        return told if field.type == "text" and isinstance(told, str) else None
    low, high = _possible(point, field)
    return min(max(float(told), low), high)


def _draws(key: str) -> tuple[float, float]:
    """Two numbers, 0…1, that belong to the key."""
    digest = blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4]) / 2**32, int.from_bytes(digest[4:]) / 2**32


def _span(point: Point, field: layout.Value) -> tuple[float, float]:
    """What is typical, of what is possible."""
    low, high = _possible(point, field)
    typical = _TYPICAL.get(point.unit, (low, high))
    near = max(low, typical[0]), min(high, typical[1])
    return near if near[0] < near[1] else (low, high)


def _possible(point: Point, field: layout.Value) -> tuple[float, float]:
    """What the range (else 0…100) allows and the field can carry."""
    ends = sorted(raw * point.scale + point.offset for raw in capacity(field))
    low, high = point.range or (0.0, 100.0)
    return max(low, ends[0]), min(high, ends[1])


def capacity(field: layout.Value) -> tuple[float, float]:
    """The lowest and highest raw number."""
    size = field.size or 6
    if field.type in {"bcd", "decimal"}:
        return 0, 10 ** (size * (2 if field.type == "bcd" else 1)) - 1
    if field.type == "hex":
        return 0, 16**size - 1
    if field.type == "float":
        return -(2.0**24), 2.0**24  # whole numbers up to here are exact in float32
    if field.type == "int":
        return -(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1
    return 0, 2 ** (8 * size) - 1
