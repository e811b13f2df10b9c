"""The steps of one connection: write, read, be notified."""

import asyncio
from collections.abc import Iterable

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice

from drivers.ble.edge import TROUBLES, device_trouble
from drivers.ble.packet import uuid
from drivers.ble.profile import Step


async def talk(
    device: BLEDevice, name: str, steps: Iterable[Step], timeout: float
) -> dict[str, bytes]:
    """Frame -> its bytes. Connects, does the steps in order, and lets go. Raises LinkLost,
    DeviceFault."""
    found: dict[str, bytes] = {}
    try:
        async with BleakClient(device, timeout=timeout) as client:
            for step in steps:
                data = await _do(client, step)
                if step.frame is not None:
                    found[step.frame] = data
    except TROUBLES as error:
        raise device_trouble(error, name) from error
    return found


async def _do(client: BleakClient, step: Step) -> bytes:
    if step.write is not None:
        await client.write_gatt_char(uuid(step.write), step.hex or b"", response=step.response)
        return b""
    if step.read is not None:
        return bytes(await client.read_gatt_char(uuid(step.read)))
    return await _notified(client, uuid(step.notify or ""))


async def _notified(client: BleakClient, characteristic: str) -> bytes:
    """The next notification; the caller's timeout ends the wait."""
    told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def take(_: BleakGATTCharacteristic, data: bytearray) -> None:
        if not told.done():
            told.set_result(bytes(data))

    await client.start_notify(characteristic, take)
    try:
        return await told
    finally:
        await client.stop_notify(characteristic)
