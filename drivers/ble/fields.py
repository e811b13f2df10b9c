"""Bytes of a frame to values of points, and back. Pure."""

from agent.contract import Value as PointValue
from drivers.ble.profile import Frame, Part, Value

_SIZES = {"8": 1, "16": 2, "24": 3, "32": 4}


def decode(frame: Frame, data: bytes) -> dict[str, PointValue | None]:
    """None where the device says that it has no value, or where the frame ends before it."""
    return {point: _decoded(frame, value, data) for point, value in frame.values.items()}


def encode(frame: Frame, values: dict[str, PointValue], size: int | None = None) -> bytearray:
    """A frame that decodes to these values; other bytes are 0, those of `match:` as they are."""
    data = bytearray(size or frame.size[0])
    for at, fixed in frame.match.items():
        data[at : at + len(fixed)] = fixed
    for point, told in values.items():
        value = frame.values.get(point)
        if value is not None and value.at < len(data):
            _write(frame, value, data, told)
    return data


def fits(frame: Frame, data: bytes) -> bool:
    return len(data) in frame.size and all(
        data[at : at + len(fixed)] == fixed for at, fixed in frame.match.items()
    )


def _width(value: Value) -> int:
    return _SIZES[value.type.lstrip("uint")]


def _decoded(frame: Frame, value: Value, data: bytes) -> PointValue | None:
    if value.is_text:
        return _text(value, data)
    part = data[value.at : value.at + _width(value)]
    if len(part) < _width(value):
        return None
    raw = int.from_bytes(part, value.order or frame.order, signed=value.type[0] == "i")
    if raw in value.fault:
        return None
    if value.bit is not None:
        raw = raw >> value.bit & (1 << value.bits) - 1
    if value.is_bool:
        return bool(raw)
    return _signed(value, data, _scaled(raw, value))


def _text(value: Value, data: bytes) -> str:
    end = None if value.size is None else value.at + value.size
    part = data[value.at : end]
    return part.hex() if value.type == "hex" else part.rstrip(b"\0").decode("ascii", "replace")


def _scaled(raw: int, value: Value) -> float:
    """Rounded to 12 significant digits: 217 * 0.1 is 21.7."""
    if value.scale == 1 and value.offset == 0:
        return raw
    return float(f"{raw * value.scale + value.offset:.12g}")


def _signed(value: Value, data: bytes, number: float) -> float | None:
    """With its fraction and its sign, where these stand elsewhere."""
    if value.plus is not None:
        fraction = _bits(value.plus, data)
        if fraction is None:
            return None
        number = float(f"{number + fraction * value.plus.scale:.12g}")
    if value.positive is not None and not _bits(value.positive, data):
        return -number
    return number


def _bits(part: Part, data: bytes) -> int | None:
    return data[part.at] >> part.bit & (1 << part.bits) - 1 if part.at < len(data) else None


def _write(frame: Frame, value: Value, data: bytearray, told: PointValue) -> None:
    if value.is_text:
        text = bytes.fromhex(str(told)) if value.type == "hex" else str(told).encode("ascii")
        data[value.at : value.at + len(text)] = text[: value.size]
        return
    number = float(told)
    if value.positive is not None:
        _set(value.positive, data, int(number >= 0))
        number = abs(number)
    raw = round((number - value.offset) / value.scale)
    if value.plus is not None:
        raw = int((number - value.offset) / value.scale + 1e-9)
        rest = number - value.offset - raw * value.scale
        _set(value.plus, data, round(rest / value.plus.scale))
    _put(frame, value, data, raw)


def _put(frame: Frame, value: Value, data: bytearray, raw: int) -> None:
    order, width, signed = value.order or frame.order, _width(value), value.type[0] == "i"
    place = slice(value.at, value.at + width)
    if value.bit is not None:
        raw = int.from_bytes(data[place], order) | raw << value.bit
        signed = False
    data[place] = raw.to_bytes(width, order, signed=signed)


def _set(part: Part, data: bytearray, raw: int) -> None:
    data[part.at] |= raw << part.bit
