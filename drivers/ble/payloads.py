"""The bytes that sensors send: for simulators, rigs and tests. Pure.

Each function returns the service or manufacturer data alone, without the AD header;
`advertisement` puts such data into the bytes of a whole advertisement. Only encryption needs the
library `cryptography`.
"""

import struct
from collections.abc import Mapping, Sequence

from drivers.ble.packet import mac, uuid

_FLAGS = b"\x02\x01\x06"
_LEGACY = 31  # bytes of an advertisement
_BTHOME: Mapping[str, tuple[int, int, float]] = {  # name -> id, bytes, factor (bthome.io/format)
    "battery": (0x01, 1, 1), "temperature": (0x02, -2, 0.01), "humidity": (0x03, 2, 0.01),
    "pressure": (0x04, 3, 0.01), "illuminance": (0x05, 3, 0.01), "voltage": (0x0C, 2, 0.001),
    "carbon_dioxide": (0x12, 2, 1), "moisture": (0x2F, 1, 1), "conductivity": (0x56, 2, 1),
    "binary_occupancy": (0x23, 1, 1), "binary_motion": (0x21, 1, 1), "button": (0x3A, 1, 1),
    "count": (0x3D, 2, 1),
}  # fmt: skip


def bthome_objects(values: Mapping[str, float], packet_id: int | None = None) -> bytes:
    """In ascending order of their ids, the packet id first. A negative width is a signed value."""
    objects = sorted((*_BTHOME[name], value) for name, value in values.items())
    body = b"" if packet_id is None else bytes([0, packet_id % 256])
    for number, width, factor, value in objects:
        raw = round(value / factor)
        body += bytes([number]) + raw.to_bytes(abs(width), "little", signed=width < 0)
    return body


def bthome(
    values: Mapping[str, float], packet_id: int | None = None, *, trigger: bool = False
) -> bytes:
    """BTHome v2, plain: service data of FCD2."""
    return bytes([0x44 if trigger else 0x40]) + bthome_objects(values, packet_id)


def bthome_encrypted(
    values: Mapping[str, float], key: bytes, address: str, counter: int, *, info: int = 0x41
) -> bytes:
    """BTHome v2, encrypted (bthome.io/encryption)."""
    count = counter.to_bytes(4, "little")
    nonce = mac(address) + b"\xd2\xfc" + bytes([info]) + count
    sealed = _seal(key, nonce, bthome_objects(values), None)
    return bytes([info]) + sealed[:-4] + count + sealed[-4:]


def ruuvi5(
    address: str,
    sequence: int,
    *,
    temperature: float = 21.0,
    humidity: float = 45.0,
    pressure: float = 1013.25,
    voltage: float = 2.9,
    movements: int = 0,
) -> bytes:
    """Ruuvi data format 5: manufacturer data of 0x0499. Units: Cel, %, hPa, V."""
    power = round((voltage - 1.6) * 1000) << 5 | 22  # +4 dBm
    return struct.pack(
        ">BhHHhhhHBH", 5, round(temperature / 0.005), round(humidity / 0.0025),
        round(pressure * 100) - 50000, 0, 0, 1000, power, movements, sequence & 0xFFFF,
    ) + mac(address)  # fmt: skip


def mibeacon(
    address: str, counter: int, objects: Sequence[tuple[int, bytes]], device: int = 0x0098
) -> bytes:
    """Xiaomi MiBeacon, plain: service data of FE95. Objects are (type, value)."""
    head = struct.pack("<HHB", 0x2070 | 1, device, counter & 0xFF) + mac(address)[::-1]
    return head + b"\x0d" + _mi_objects(objects)


def mibeacon_encrypted(
    address: str,
    counter: int,
    objects: Sequence[tuple[int, bytes]],
    key: bytes,
    device: int = 0x055B,
) -> bytes:
    """MiBeacon version 5; the low byte of `counter` is the frame counter, the rest is its
    extension."""
    frame, extension = counter & 0xFF, (counter >> 8).to_bytes(3, "little")
    head = struct.pack("<HHB", 0x5858, device, frame)
    nonce = mac(address)[::-1] + head[2:5] + extension
    sealed = _seal(key, nonce, _mi_objects(objects), b"\x11")
    return head + mac(address)[::-1] + sealed[:-4] + extension + sealed[-4:]


def pvvx(
    address: str, counter: int, temperature: float, humidity: float, voltage: float, battery: int
) -> bytes:
    """pvvx custom format: service data of 181A. Units: Cel, %, V, %."""
    return mac(address)[::-1] + struct.pack(
        "<hHHBBB", round(temperature * 100), round(humidity * 100), round(voltage * 1000),
        battery, counter & 0xFF, 0,
    )  # fmt: skip


def atc1441(
    address: str, counter: int, temperature: float, humidity: float, voltage: float, battery: int
) -> bytes:
    """atc1441 format: service data of 181A."""
    return mac(address) + struct.pack(
        ">hBBHB", round(temperature * 10), round(humidity), battery, round(voltage * 1000),
        counter & 0xFF,
    )  # fmt: skip


def pvvx_encrypted(
    address: str, counter: int, temperature: float, humidity: float, battery: int, key: bytes
) -> bytes:
    plain = struct.pack("<hHBB", round(temperature * 100), round(humidity * 100), battery, 0)
    return _atc_sealed(address, counter, plain, key)


def atc_encrypted(
    address: str, counter: int, temperature: float, humidity: float, battery: int, key: bytes
) -> bytes:
    plain = bytes([round(temperature * 2 + 80), round(humidity * 2), battery])
    return _atc_sealed(address, counter, plain, key)


def govee_h5075(temperature: float, humidity: float, battery: int) -> bytes:
    """Manufacturer data of 0xEC88; the name has to be GVH5075_…"""
    packed = round(abs(temperature) * 10) * 1000 + round(humidity * 10)
    if temperature < 0:
        packed |= 0x800000
    return b"\0" + packed.to_bytes(3, "big") + bytes([battery, 0])


def miflora_realtime(temperature: float, light: int, moisture: int, conductivity: int) -> bytes:
    """Characteristic 1A01 of HHCCJCY01 once A0 1F was written to 1A00."""
    head = struct.pack("<hBIBH", round(temperature * 10), 0, light, moisture, conductivity)
    return head + bytes(6)


def miflora_firmware(battery: int, version: str = "3.2.9") -> bytes:
    """Characteristic 1A02."""
    return bytes([battery, 0x28]) + version.encode("ascii")


def advertisement(
    services: Mapping[str, bytes] | None = None,
    manufacturers: Mapping[int, bytes] | None = None,
    name: str = "",
) -> bytes:
    """AD structures: flags, data, and the name where there is room. Service UUIDs have four digits.

    Raises ValueError when it does not fit into a legacy advertisement of 31 bytes.
    """
    data = _FLAGS
    for short, content in (services or {}).items():
        data += _structure(0x16, bytes.fromhex(uuid(short)[4:8])[::-1] + content)
    for company, content in (manufacturers or {}).items():
        data += _structure(0xFF, company.to_bytes(2, "little") + content)
    if len(data) > _LEGACY:
        raise ValueError(f"an advertisement has at most {_LEGACY} bytes, not {len(data)}")
    room = _LEGACY - len(data) - 2
    return data + (_structure(0x08, name.encode()[:room]) if name and room > 0 else b"")


def _structure(kind: int, content: bytes) -> bytes:
    return bytes([len(content) + 1, kind]) + content


def _mi_objects(objects: Sequence[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack("<HB", kind, len(value)) + value for kind, value in objects)


def _atc_sealed(address: str, counter: int, plain: bytes, key: bytes) -> bytes:
    count = bytes([counter & 0xFF])
    nonce = mac(address)[::-1] + bytes([len(plain) + 8, 0x16, 0x1A, 0x18]) + count
    return count + _seal(key, nonce, plain, b"\x11")


def _seal(key: bytes, nonce: bytes, plain: bytes, more: bytes | None) -> bytes:
    """AES-CCM with 4 bytes of MIC at the end."""
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    return AESCCM(key, tag_length=4).encrypt(nonce, plain, more)
