"""What registers may mean: the same words read in several ways, side by side. Pure."""

import struct
from collections.abc import Mapping, Sequence

from agent.cli.columns import table
from agent.i18n import say

Cell = tuple[str, bytes]


def meanings(cells: Sequence[Cell]) -> list[Mapping[str, object]]:
    """Each cell by name: `hex`, and for registers `uint16`, `int16`, `ascii`, and with the next
    register `uint32`, `float32`, and `uint32_low_first`, `float32_low_first` where the low word
    comes first."""
    return [
        {"name": name, **_meaning(data, cells[at + 1][1] if at + 1 < len(cells) else b"")}
        for at, (name, data) in enumerate(cells)
    ]


def sheet(cells: Sequence[Cell], limit: int) -> list[str]:
    """As a table of at most `limit` columns."""
    keys = ["hex", "uint16", "int16", "ascii", "uint32", "float32"]
    low = ["uint32_low_first", "float32_low_first"]
    if all(len(data) == 1 for _, data in cells):
        return table([[m["name"], m["hex"]] for m in _texts(cells)], limit)
    head = [say("REGISTER"), *keys, say("uint32, low word first"), say("float32, low word first")]
    rows = [[m["name"], *(m.get(key, "") for key in [*keys, *low])] for m in _texts(cells)]
    return table([head, *rows], limit)


def _texts(cells: Sequence[Cell]) -> list[Mapping[str, str]]:
    return [{key: _text(value) for key, value in m.items()} for m in meanings(cells)]


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _meaning(data: bytes, behind: bytes) -> Mapping[str, object]:
    if len(data) != 2:
        return {"hex": data.hex()}
    found: dict[str, object] = {
        "hex": data.hex().upper(),
        "uint16": int.from_bytes(data),
        "int16": int.from_bytes(data, signed=True),
        "ascii": "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data),
    }
    if len(behind) == 2:
        found |= _pair("", data + behind) | _pair("_low_first", behind + data)
    return found


def _pair(suffix: str, data: bytes) -> dict[str, object]:
    (number,) = struct.unpack(">f", data)
    shown = number if number - number == 0 else str(number)  # JSON has no word for infinity
    return {f"uint32{suffix}": int.from_bytes(data), f"float32{suffix}": shown}
