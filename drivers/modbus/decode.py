"""Registers and bits to values. Pure functions: no device, no clock, no wire.

Reasons for what is not good: `range`, `indicative`, `unknown_code` (uncertain, with a value);
`sensor_fault`, `not_a_number`, `not_bcd`, `not_ascii` (bad, without one).
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.contract import Quality, Value
from drivers.modbus.profile import Point
from drivers.modbus.scaling import float_scaler, scaler
from drivers.modbus.words import chunk, pack_bits, pack_registers, struct_order

Raw = int | float | str
Decoded = tuple[Value | None, Quality, str]

_FORMATS = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip


class Unreadable(ValueError):
    """What stands in the registers is no value; the argument is the reason."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """How one point is read out of an answer, prepared once.

    `raw` takes the data bytes of an answer and where in them the point starts (a byte for
    registers, a bit for coils); it raises Unreadable. `value` takes what `raw` returned.
    """

    raw: Callable[[bytes, int], Raw]
    value: Callable[[Raw], Decoded]

    def __call__(self, data: bytes, at: int) -> Decoded:
        try:
            raw = self.raw(data, at)
        except Unreadable as error:
            return None, Quality.BAD, str(error)
        return self.value(raw)


def decoder(point: Point) -> Decoder:
    return Decoder(_raw_reader(point), _judge(point))


def decode(point: Point, words: Sequence[int]) -> Decoded:
    """One value from its 16-bit words in the order of the wire (or its one coil)."""
    pack = pack_bits if point.is_bit else pack_registers
    return decoder(point)(pack(words), 0)


def _raw_reader(point: Point) -> Callable[[bytes, int], Raw]:
    if point.is_bit:
        return lambda data, at: data[at >> 3] >> (at & 7) & 1
    if point.bit is not None:
        return _bit_field(point, point.bit)
    if point.type == "ascii":
        return _ascii(point)
    if point.type == "bcd":
        return _bcd(point)
    return _float(point) if point.type.startswith("float") else _integer(point)


def _bit_field(point: Point, bit: int) -> Callable[[bytes, int], Raw]:
    take, mask, faults = chunk(point), (1 << point.bits) - 1, frozenset(point.fault)

    def read(data: bytes, at: int) -> int:
        raw = int.from_bytes(take(data, at))
        if raw in faults:
            raise Unreadable("sensor_fault")
        return raw >> bit & mask

    return read


def _number_reader(point: Point) -> Callable[[bytes, int], tuple[int | float, ...]]:
    code = _FORMATS[point.type]
    if order := struct_order(point):
        return struct.Struct(order + code).unpack_from
    unpack, take = struct.Struct(">" + code).unpack, chunk(point)
    return lambda data, at: unpack(take(data, at))


def _integer(point: Point) -> Callable[[bytes, int], Raw]:
    read, size = _number_reader(point), 16 * point.width
    signed = point.type.startswith("int")
    faults = frozenset(f - (1 << size) if signed and f >> (size - 1) else f for f in point.fault)
    if not faults:
        return lambda data, at: read(data, at)[0]

    def checked(data: bytes, at: int) -> Raw:
        (raw,) = read(data, at)
        if raw in faults:
            raise Unreadable("sensor_fault")
        return raw

    return checked


def _float(point: Point) -> Callable[[bytes, int], Raw]:
    read, take, faults = _number_reader(point), chunk(point), frozenset(point.fault)

    def checked(data: bytes, at: int) -> float:
        if faults and int.from_bytes(take(data, at)) in faults:
            raise Unreadable("sensor_fault")
        (raw,) = read(data, at)
        if not math.isfinite(raw):
            raise Unreadable("not_a_number")
        return raw

    return checked


def _bcd(point: Point) -> Callable[[bytes, int], Raw]:
    take, faults = chunk(point), frozenset(point.fault)

    def read(data: bytes, at: int) -> int:
        digits = take(data, at)
        if faults and int.from_bytes(digits) in faults:
            raise Unreadable("sensor_fault")
        text = digits.hex()
        if not text.isdecimal():
            raise Unreadable("not_bcd")
        return int(text)

    return read


def _ascii(point: Point) -> Callable[[bytes, int], Raw]:
    take = chunk(point)

    def read(data: bytes, at: int) -> str:
        text = take(data, at).partition(b"\0")[0]
        if not text.isascii() or not text.decode("ascii").isprintable():
            raise Unreadable("not_ascii")
        return text.decode("ascii").strip()

    return read


def _judge(point: Point) -> Callable[[Raw], Decoded]:
    usual = _usual(point)
    if point.enum:
        return _word(point, usual)
    if point.type == "ascii":
        return lambda raw: (raw, *usual)
    if point.type == "bool" or (point.bit is not None and point.bits == 1):
        return lambda raw: (bool(raw), *usual)
    return _in_range(point, usual)


def _usual(point: Point) -> tuple[Quality, str]:
    if point.quality == "good":
        return Quality.GOOD, ""
    return Quality.UNCERTAIN, "indicative"


def _word(point: Point, usual: tuple[Quality, str]) -> Callable[[Raw], Decoded]:
    words: Mapping[Any, str] = point.enum

    def value(raw: Raw) -> Decoded:
        word = words.get(raw)
        if word is None:
            return str(raw), Quality.UNCERTAIN, "unknown_code"
        return word, *usual

    return value


def _in_range(point: Point, usual: tuple[Quality, str]) -> Callable[[Raw], Decoded]:
    low, high = point.range or (-math.inf, math.inf)
    quality, reason = usual
    scale = _scale(point)

    def value(raw: Raw) -> Decoded:
        scaled = scale(raw)
        if low <= scaled <= high:
            return scaled, quality, reason
        return scaled, Quality.UNCERTAIN, "range"

    return value


def _scale(point: Point) -> Callable[..., float]:
    return float_scaler(point) if point.type.startswith("float") else scaler(point)
