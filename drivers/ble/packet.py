"""One advertisement, as it was heard."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST = 255  # bytes of one field: what a legacy or extended AD structure can carry
_BASE = "-0000-1000-8000-00805f9b34fb"


@dataclass(frozen=True, slots=True)
class Packet:
    """`services` is 128-bit UUID (lower case) -> service data; `manufacturers` company id -> data.

    `rssi` in dBm, None where the radio did not say; `name` "" where it was not sent.
    """

    address: str
    rssi: int | None = None
    name: str = ""
    services: Mapping[str, bytes] = field(default_factory=dict)
    manufacturers: Mapping[int, bytes] = field(default_factory=dict)
    uuids: tuple[str, ...] = ()


def uuid(short: str) -> str:
    """The 128-bit form of a 16-bit UUID written as four hexadecimal digits; longer stays."""
    return f"0000{short.lower()}{_BASE}" if len(short) == 4 else short.lower()


def mac(address: str) -> bytes:
    """`A4:C1:38:8D:18:B2` -> 6 bytes, in the order in which it is written."""
    return bytes.fromhex(address.replace(":", ""))


def fresh(before: Packet | None, now: Packet) -> Packet:
    """Less what the system only remembers from the packet before: BlueZ adds up the manufacturer
    data of devices whose company id changes with their values (Inkbird, ThermoBeacon)."""
    if before is None or len(now.manufacturers) <= 1:
        return now
    changed = {
        company: data
        for company, data in now.manufacturers.items()
        if before.manufacturers.get(company) != data
    }
    return Packet(now.address, now.rssi, now.name, now.services, changed, now.uuids)
