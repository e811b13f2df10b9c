"""What a packet shows before it is decoded: its counter, whether it is encrypted, whose it says it
is. Pure, and strict: what is cut off or grown is refused as a whole, where a library would decode
what is left of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.ble.packet import LONGEST, Packet, mac, uuid

BTHOME, MIBEACON = uuid("fcd2"), uuid("fe95")
RUUVI = 0x0499
_RUUVI_SIZES = {3: 14, 5: 24, 6: 20, 0xE1: 40}


class Refused(Exception):
    """A packet that is not taken; no error of the gateway's. `reason` is what the event says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sight:
    """`owner` is the address inside the packet, in the order in which it is written.

    `bits` is the width of `counter`.
    """

    encrypted: bool = False
    counter: int | None = None
    bits: int = 8
    owner: bytes | None = None

    def check_owner(self, address: str) -> None:
        """Raises Refused when the packet was made for another address."""
        if self.owner is not None and self.owner != mac(address):
            raise Refused("spoofed")


Look = Callable[[Packet], Sight | None]
"""None: nothing of this family in the packet. Raises Refused."""


def bounded(data: bytes) -> bytes:
    if len(data) > LONGEST:
        raise Refused("oversize")
    return data


def look_bthome(packet: Packet) -> Sight | None:
    """BTHome v2 (bthome.io/format): info byte, address if bit 1, objects or ciphertext."""
    data = packet.services.get(BTHOME)
    if data is None:
        return None
    bounded(data)
    if not data or data[0] >> 5 != 2:
        raise Refused("unreadable")
    start = 7 if data[0] & 2 else 1
    owner = data[6:0:-1] if data[0] & 2 else None
    body = data[start:]
    if len(data) < start or not body:
        raise Refused("truncated")
    if data[0] & 1:
        if len(body) <= 8:
            raise Refused("truncated")
        return Sight(True, int.from_bytes(body[-8:-4], "little"), 32, owner)
    return Sight(False, _packet_id(body), 8, owner)


def _packet_id(objects: bytes) -> int | None:
    """Of object 0x00, while all objects are walked through. An unknown one ends them, as its
    length is unknown; the ones before it count. Raises Refused."""
    from bthome_ble.const import MEAS_TYPES

    found = None
    at = 0
    while at < len(objects):
        kind = MEAS_TYPES.get(objects[at])
        if kind is None:
            if at == 0:
                raise Refused("unreadable")
            break
        length, start = _object(kind.data_format, kind.data_length, objects, at)
        if start + length > len(objects):
            raise Refused("truncated")
        if objects[at] == 0:
            found = objects[start]
        at = start + length
    return found


def _object(form: object, length: int, objects: bytes, at: int) -> tuple[int, int]:
    """(bytes of the value, where it starts)."""
    if form not in {"raw", "string", "command"}:
        return length, at + 1
    if at + 1 >= len(objects):
        raise Refused("truncated")
    told = objects[at + 1]
    return (1 + (told & 0x1F) if form == "command" else told), at + 2


def look_xiaomi(packet: Packet) -> Sight | None:
    """MiBeacon: frame control, type, frame counter, address if bit 4, capability if bit 5."""
    data = packet.services.get(MIBEACON)
    if data is None:
        return None
    bounded(data)
    if len(data) < 5:
        raise Refused("truncated")
    control = int.from_bytes(data[:2], "little")
    at, owner = 5, None
    if control & 0x10:
        owner, at = data[10:4:-1], 11
    if control & 0x20:
        at += 2 if at < len(data) and data[at] & 0x20 else 1
    if len(data) < at:
        raise Refused("truncated")
    if not control & 0x40:
        return None  # says only that it is there
    if control & 0x08:
        return _encrypted_mibeacon(data, control >> 12, at, owner)
    _check_mibeacon_objects(data[at:])
    return Sight(False, data[4], 8, owner)


def _encrypted_mibeacon(data: bytes, version: int, at: int, owner: bytes | None) -> Sight:
    if version < 4:
        raise Refused("weak")  # versions 2 and 3 carry no proof of who sent them
    if len(data) < at + 3 + 7:
        raise Refused("truncated")
    return Sight(True, int.from_bytes(data[-7:-4], "little") << 8 | data[4], 32, owner)


def _check_mibeacon_objects(objects: bytes) -> None:
    at = 0
    while at < len(objects):
        if at + 3 > len(objects) or at + 3 + objects[at + 2] > len(objects):
            raise Refused("truncated")
        at += 3 + objects[at + 2]


def look_ruuvi(packet: Packet) -> Sight | None:
    """Ruuvi data formats; format 5 carries a sequence number and the address."""
    data = packet.manufacturers.get(RUUVI)
    if data is None:
        return None
    bounded(data)
    size = _RUUVI_SIZES.get(data[0]) if data else None
    if size is None:
        raise Refused("unreadable")
    if len(data) != size:
        raise Refused("truncated" if len(data) < size else "oversize")
    if data[0] != 5:
        return Sight()
    owner = bytes(data[18:24])
    sequence = int.from_bytes(data[16:18], "big")
    return Sight(
        False,
        None if sequence == 0xFFFF else sequence,
        16,
        None if owner == b"\xff" * 6 else owner,
    )


def look_other(packet: Packet) -> Sight | None:
    """Families that carry no counter."""
    for data in (*packet.services.values(), *packet.manufacturers.values()):
        bounded(data)
    return Sight() if packet.services or packet.manufacturers else None


LOOKS: Mapping[str, Look] = {
    "": look_other, "bthome": look_bthome, "xiaomi": look_xiaomi, "ruuvi": look_ruuvi,
}  # fmt: skip
