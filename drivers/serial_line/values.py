"""Raw values of fields to values of points, and back. Pure.

Reasons for what is not good: `range`, `indicative`, `unknown_code` (uncertain, with a value);
`sensor_fault`, `unknown_code` of a truth, and what the field says of itself (bad, without one).
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from agent.contract import DeviceFault, Quality, Value
from drivers.serial_line import layout
from drivers.serial_line.profile import Point
from drivers.serial_line.raw import Raw, Unreadable

Decoded = tuple[Value | None, Quality, str]
Decoder = Callable[[Raw | Unreadable], Decoded]

_TRUTH = {True: True, False: False, "on": True, "off": False}  # 1 and 0 are equal to them


def decoder(point: Point) -> Decoder:
    judge = _judge(point)

    def decode(raw: Raw | Unreadable) -> Decoded:
        if isinstance(raw, Unreadable):
            return None, Quality.BAD, raw.reason
        if raw in point.fault:
            return None, Quality.BAD, "sensor_fault"
        if point.bit is not None:
            raw = int(raw) >> point.bit & (1 << point.bits) - 1
        return judge(raw)

    return decode


def _judge(point: Point) -> Callable[[Raw], Decoded]:
    usual = (Quality.GOOD, "") if point.quality == "good" else (Quality.UNCERTAIN, "indicative")
    if point.enum:
        return _word(point, usual)
    if point.is_bool:
        return lambda raw: (bool(raw), *usual)
    return _number(point, usual)


def _word(point: Point, usual: tuple[Quality, str]) -> Callable[[Raw], Decoded]:
    words: Mapping[Any, bool | str] = point.enum

    def value(raw: Raw) -> Decoded:
        word = words.get(raw)
        if word is not None:
            return word, *usual
        if point.is_bool:
            return None, Quality.BAD, "unknown_code"
        return str(raw), Quality.UNCERTAIN, "unknown_code"

    return value


def _number(point: Point, usual: tuple[Quality, str]) -> Callable[[Raw], Decoded]:
    low, high = point.range or (-math.inf, math.inf)
    scale, offset = Fraction(repr(point.scale)), Fraction(repr(point.offset))

    def value(raw: Raw) -> Decoded:
        if isinstance(raw, str):
            return raw, *usual
        if isinstance(raw, float):
            scaled: float = float(f"{raw * point.scale + point.offset:.9g}")
        else:
            exact = raw * scale + offset
            whole = isinstance(raw, int) and scale.denominator == offset.denominator == 1
            scaled = int(exact) if whole else float(exact)
        if low <= scaled <= high:
            return scaled, *usual
        return scaled, Quality.UNCERTAIN, "range"

    return value


def encode(point: Point, field: layout.Value, value: Value | None) -> Raw:
    """The raw value; None becomes the first that means a fault. Raises DeviceFault when the
    point cannot have that value."""
    if value is None:
        return _fault(point)
    if point.enum:
        return _code(point, value)
    if point.is_bool:
        return int(_truth(value))
    if field.type in {"text", "raw"}:
        return str(value)
    raw = (_exact(value) - Fraction(repr(point.offset))) / Fraction(repr(point.scale))
    if field.type == "float":
        return float(raw)
    free = field.type == "decimal" and field.size is None
    return raw if free and raw.denominator != 1 else round(raw)


def _fault(point: Point) -> Raw:
    if not point.fault:
        raise DeviceFault(
            "no raw value of this point means a fault", hint="give a value", reason="value"
        )
    return point.fault[0]


def _code(point: Point, value: Value) -> Raw:
    for code, word in point.enum.items():
        if value == word or (isinstance(value, str) and value == str(code)):
            return code
    raise DeviceFault(
        "'{value}' is not one of: {words}",
        hint="write one of these words",
        reason="value",
        value=value,
        words=", ".join(map(str, point.enum.values())),
    )


def _truth(value: Value) -> bool:
    if isinstance(value, str):
        value = value.lower()
    if value not in _TRUTH:
        raise DeviceFault(
            "'{value}' is neither on nor off", hint="write on or off", reason="value", value=value
        )
    return _TRUTH[value]


def _exact(value: Value) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
        raise DeviceFault(
            "'{value}' is no number", hint="write a number", reason="value", value=value
        )
    return Fraction(repr(value))
