"""listen.py SECONDS: what the rig's sensors send, by way of BlueZ and bleak alone.

Prints one JSON object: advertisements per address, and what the MiFlora answers. Runs in the
virtual machine; it tells a fault of the rig from one of fieldgate.
"""

import asyncio
import json
import struct
import sys

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

FLORA = "C4:7C:8D:00:00:04"
_UUID = "0000{}-0000-1000-8000-00805f9b34fb"


async def heard(seconds: float) -> dict[str, list[str]]:
    """Address -> the payloads, in hexadecimal, each once."""
    found: dict[str, list[str]] = {}

    def take(device: BLEDevice, said: AdvertisementData) -> None:
        for payload in (*said.service_data.values(), *said.manufacturer_data.values()):
            known = found.setdefault(device.address, [])
            if payload.hex() not in known:
                known.append(payload.hex())

    async with BleakScanner(take):
        await asyncio.sleep(seconds)
    return found


async def flora() -> dict[str, float]:
    device = await BleakScanner.find_device_by_address(FLORA, timeout=30)
    if device is None:
        return {}
    async with BleakClient(device, timeout=30) as client:
        await client.write_gatt_char(_UUID.format("1a00"), b"\xa0\x1f", response=True)
        values = bytes(await client.read_gatt_char(_UUID.format("1a01")))
        about = bytes(await client.read_gatt_char(_UUID.format("1a02")))
    temperature, _, light, moisture, conductivity = struct.unpack_from("<hBIBH", values)
    return {
        "temperature": temperature / 10,
        "light": light,
        "moisture": moisture,
        "conductivity": conductivity,
        "battery": about[0],
    }


async def main() -> None:
    said = {"heard": await heard(float(sys.argv[1])), "flora": await flora()}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
