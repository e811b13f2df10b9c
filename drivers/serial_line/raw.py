"""A field's bytes to the raw value that stands in them, and back. Pure.

Raw values are whole numbers (uint, int, bcd, decimal without a point), fractions (decimal with
one), floats, and strings (hex, text; raw bytes as hexadecimal digits).
"""

import math
import re
import struct
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from agent.contract import DeviceFault
from drivers.serial_line.layout import Value

Raw = int | float | Fraction | str
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands in the field is no value; `reason` is that of the bad reading."""

    reason: str


def from_bytes(field: Value, data: bytes) -> Raw | Unreadable:
    """`data` as it came."""
    if field.type == "text":
        return _text(field, data)
    if field.type in {"decimal", "hex"}:
        return _characters(field, data)
    if field.order == "low_first":
        data = data[::-1]
    if field.type == "raw":
        return data.hex().upper()
    if field.type == "bcd":
        digits = data.hex()
        return int(digits) if digits.isdecimal() else Unreadable("not_bcd")
    if field.type == "float":
        (number,) = struct.unpack(">f" if len(data) == 4 else ">d", data)
        return _short(number, len(data)) if math.isfinite(number) else Unreadable("not_a_number")
    return int.from_bytes(data, "big", signed=field.type == "int")


def _short(number: float, size: int) -> float:
    """225.7, not 225.6999969482422."""
    return float(f"{number:.7g}") if size == 4 else number


def _text(field: Value, data: bytes) -> Raw | Unreadable:
    try:
        text = data.rstrip(b"\0").decode(field.encoding)
    except UnicodeDecodeError:
        return Unreadable("not_text")
    return text.strip() if text.isprintable() else Unreadable("not_text")


def _characters(field: Value, data: bytes) -> Raw | Unreadable:
    text = data.decode("latin-1").strip()
    if field.type == "hex":
        try:
            return int(text, 16)
        except ValueError:
            return Unreadable("not_hex")
    if not _DECIMAL.fullmatch(text):
        return Unreadable("not_a_number")
    return Fraction(Decimal(text)) if "." in text else int(text)


def to_bytes(field: Value, raw: Raw) -> bytes:
    """As it goes on the wire. Raises DeviceFault when the field cannot carry it."""
    try:
        data = _packed(field, raw)
    except (ValueError, OverflowError, struct.error, UnicodeEncodeError) as error:
        raise _does_not_fit(field, raw) from error
    if len(data) > (field.size or field.longest):
        raise _does_not_fit(field, raw)
    return data


def _packed(field: Value, raw: Raw) -> bytes:
    if field.type == "text":
        return str(raw).encode(field.encoding).ljust(field.size or 0, b"\0")
    if field.type == "decimal":
        return _digits(field, raw)
    if field.type == "hex":
        return f"{int(raw):0{field.size or 1}X}".encode("ascii")
    data = _binary(field, raw)
    return data[::-1] if field.order == "low_first" else data


def _digits(field: Value, raw: Raw) -> bytes:
    if isinstance(raw, Fraction) and raw.denominator != 1:
        text = f"{float(raw):.6f}".rstrip("0")
        if Fraction(text) != raw:
            raise ValueError(text)
    else:
        text = str(int(raw))
    return text.zfill(field.size or 1).encode("ascii")


def _binary(field: Value, raw: Raw) -> bytes:
    size = field.size or 1
    if field.type == "raw":
        data = bytes.fromhex(str(raw))
        if field.size is not None and len(data) != field.size:
            raise ValueError(raw)
        return data
    if field.type == "float":
        return struct.pack(">f" if size == 4 else ">d", float(raw))
    number = int(raw)
    if number != raw:
        raise ValueError(raw)
    if field.type == "bcd":
        return bytes.fromhex(f"{number:0{2 * size}d}") if number >= 0 else b"-" * 65
    return number.to_bytes(size, "big", signed=field.type == "int")


def _does_not_fit(field: Value, raw: Raw) -> DeviceFault:
    return DeviceFault(
        "'{value}' does not fit into the field {field}",
        hint="write a value within the range that the device's manual gives",
        reason="value",
        value=raw if isinstance(raw, int | str) else float(raw),
        field=field.field,
    )
