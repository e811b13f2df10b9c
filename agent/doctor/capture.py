"""What was said on a wire, as text and for Wireshark.

pcap with the link type of exported PDUs (LINKTYPE_WIRESHARK_UPPER_PDU, 252): each packet names its
dissector, so that Wireshark opens Modbus RTU without any setting. Tags are big-endian (type,
length, value), padded to 4 bytes: 12 names the dissector, 0 ends them.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from agent.contract import Misconfigured
from agent.doctor.tape import Piece, frames

Meaning = Callable[[bytes], str]
"""In English words; "" for what is no whole frame."""

_MAGIC, _VERSION, _LONGEST, _UPPER_PDU = 0xA1B2C3D4, (2, 4), 65535, 252
_DISSECTOR, _END = 12, 0
_ARROWS = {"tx": "->", "rx": "<-"}


def as_text(pieces: Sequence[Piece], meaning: Meaning) -> Iterator[str]:
    """`-> ` is what was sent, `<- ` what was heard."""
    for piece in frames(pieces):
        at = datetime.fromtimestamp(piece.at).astimezone().isoformat(timespec="milliseconds")
        what = meaning(piece.data)
        said = f"   {what}" if what else ""
        yield f"{at} {_ARROWS[piece.direction]} {piece.data.hex(' ')}{said}"


def as_pcap(pieces: Sequence[Piece], meaning: Meaning, dissector: str) -> Iterator[bytes]:
    yield struct.pack("<IHHiIII", _MAGIC, *_VERSION, 0, 0, _LONGEST, _UPPER_PDU)
    for piece in frames(pieces):
        name = dissector if meaning(piece.data) else "data"
        packet = _tag(_DISSECTOR, name.encode()) + _tag(_END, b"") + piece.data
        seconds, fraction = divmod(piece.at, 1)
        yield struct.pack("<IIII", int(seconds), int(fraction * 1e6), len(packet), len(packet))
        yield packet


def write(file: Path, pieces: Sequence[Piece], meaning: Meaning, dissector: str) -> list[Path]:
    """FILE.txt and FILE.pcap. Raises Misconfigured when they cannot be written."""
    text, pcap = file.with_name(file.name + ".txt"), file.with_name(file.name + ".pcap")
    try:
        text.write_text("".join(f"{line}\n" for line in as_text(pieces, meaning)), encoding="utf-8")
        pcap.write_bytes(b"".join(as_pcap(pieces, meaning, dissector)))
    except OSError as error:
        raise Misconfigured(
            "{file} cannot be written: {error}",
            hint="name a folder that exists and that you may write to",
            file=file,
            error=error.strerror or error,
        ) from error
    return [text, pcap]


def _tag(number: int, value: bytes) -> bytes:
    padded = value + bytes(-len(value) % 4)
    return struct.pack(">HH", number, len(padded)) + padded
