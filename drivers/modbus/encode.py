"""Values to registers and bits: the inverse of decode, for writing and for simulators. Pure."""

import struct
from collections.abc import Sequence

from agent.contract import DeviceFault, Value
from drivers.modbus.profile import Point
from drivers.modbus.scaling import unscale
from drivers.modbus.words import pack_registers, positions, to_wire

_TRUTH = {True: True, False: False, "on": True, "off": False}  # 1 and 0 are equal to them


def encode(point: Point, value: Value | None, before: Sequence[int] = ()) -> list[int]:
    """The words of one point in the order of the wire; for a coil or discrete input [0] or [1].

    `before` are the words that stand there now: a bit field keeps their other bits. None becomes
    the first of the point's fault values. Raises DeviceFault when the point cannot carry it.
    """
    if point.is_bit:
        return [_raw(point, value)]
    if value is None:
        return to_wire(point, _unsigned(point, _fault(point)))
    if point.bit is not None:
        return _bit_field(point, point.bit, _raw(point, value), before)
    if point.type == "ascii":
        return to_wire(point, _text(point, value))
    return encode_raw(point, _raw_float(point, value) if _is_float(point) else _raw(point, value))


def encode_raw(point: Point, raw: float) -> list[int]:
    """A raw number that is not scaled any more."""
    if _is_float(point):
        return to_wire(point, _packed_float(point, raw))
    whole, size = int(raw), 16 * point.width
    if point.type == "bcd":
        return to_wire(point, _packed_bcd(point, whole))
    signed = point.type.startswith("int")
    low, high = (-(1 << size - 1), (1 << size - 1) - 1) if signed else (0, (1 << size) - 1)
    if not low <= whole <= high:
        raise _too_big(raw)
    return to_wire(point, (whole & (1 << size) - 1).to_bytes(size // 8))


def _is_float(point: Point) -> bool:
    return point.type.startswith("float")


def _fault(point: Point) -> int:
    if not point.fault:
        raise DeviceFault(
            "no raw value of this point means a fault", hint="give a value", reason="value"
        )
    return point.fault[0]


def _too_big(value: float) -> DeviceFault:
    return DeviceFault(
        "{value} does not fit into its registers",
        hint="write a value within the range that the device's manual gives",
        reason="value",
        value=value,
    )


def _unsigned(point: Point, raw: int) -> bytes:
    try:
        return raw.to_bytes(2 * point.width)
    except OverflowError as error:
        raise _too_big(raw) from error


def _raw(point: Point, value: Value | None) -> int:
    """The whole raw number for a value: a word of the enum, a truth, or a number."""
    if point.enum:
        return _code(point, value)
    if point.is_bit or point.type == "bool" or (point.bit is not None and point.bits == 1):
        return int(_truth(value))
    return round(unscale(point, _number(value)))


def _code(point: Point, value: Value | None) -> int:
    for code, word in point.enum.items():
        if value in {word, str(code)} or (type(value) is int and value == code):
            return code
    raise DeviceFault(
        "'{value}' is not one of: {words}",
        hint="write one of these words",
        reason="value",
        value=value,
        words=", ".join(point.enum.values()),
    )


def _truth(value: Value | None) -> bool:
    if isinstance(value, str):
        value = value.lower()
    if value not in _TRUTH:
        raise DeviceFault(
            "'{value}' is neither on nor off", hint="write on or off", reason="value", value=value
        )
    return _TRUTH[value]


def _number(value: Value | None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
        raise DeviceFault(
            "'{value}' is no number", hint="write a number", reason="value", value=value
        )
    return value


def _raw_float(point: Point, value: Value) -> float:
    raw = unscale(point, _number(value))
    try:
        return float(raw)
    except OverflowError as error:
        raise _too_big(_number(value)) from error


def _packed_float(point: Point, raw: float) -> bytes:
    try:
        return struct.pack(">f" if point.type == "float32" else ">d", raw)
    except OverflowError as error:
        raise _too_big(raw) from error


def _packed_bcd(point: Point, raw: int) -> bytes:
    digits = 4 * point.width
    if not 0 <= raw < 10**digits:
        raise _too_big(raw)
    return bytes.fromhex(f"{raw:0{digits}d}")


def _text(point: Point, value: Value) -> bytes:
    size = 2 * point.width
    text = str(value)
    if not text.isascii() or len(text) > size:
        raise DeviceFault(
            "'{value}' is not ASCII text of at most {size} characters",
            hint="write a shorter text of Latin letters and digits",
            reason="value",
            value=value,
            size=size,
        )
    return text.encode("ascii").ljust(size, b"\0")


def _bit_field(point: Point, bit: int, raw: int, before: Sequence[int]) -> list[int]:
    if not 0 <= raw < 1 << point.bits:
        raise _too_big(raw)
    wire = pack_registers(before or [0] * point.width)
    old = int.from_bytes(bytes(wire[position] for position in positions(point)))
    mask = (1 << point.bits) - 1 << bit
    return to_wire(point, (old & ~mask | raw << bit).to_bytes(2 * point.width))
