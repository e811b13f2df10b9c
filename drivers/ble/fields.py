"""Bytes of a frame to values of points, and back. Pure."""

from agent.contract import Value as PointValue
from drivers.ble.profile import Frame, Value

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
    if value.type == "text":
        end = None if value.size is None else value.at + value.size
        return data[value.at : end].rstrip(b"\0").decode("ascii", errors="replace")
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
    return _scaled(raw, value)


def _scaled(raw: int, value: Value) -> PointValue:
    """Rounded to 12 significant digits: 217 * 0.1 is 21.7."""
    if value.scale == 1 and value.offset == 0:
        return raw
    return float(f"{raw * value.scale + value.offset:.12g}")


def _write(frame: Frame, value: Value, data: bytearray, told: PointValue) -> None:
    if value.type == "text":
        text = str(told).encode("ascii")[: value.size]
        data[value.at : value.at + len(text)] = text
        return
    order, width, signed = value.order or frame.order, _width(value), value.type[0] == "i"
    raw = round((float(told) - value.offset) / value.scale)
    place = slice(value.at, value.at + width)
    if value.bit is not None:
        raw = int.from_bytes(data[place], order) | raw << value.bit
        signed = False
    data[place] = raw.to_bytes(width, order, signed=signed)
