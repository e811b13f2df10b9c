"""A virtual Bluetooth controller (kernel module hci_vhci) and four sensors within its reach.

Values change every second, so that each advertisement is new:

  F0:F1:38:00:00:01  BTHome v2, plain        20.0 + n/10 Cel, 50.5 %, battery 99 %
  F0:F1:38:00:00:02  BTHome v2, encrypted    the same, with the key below
  F0:F1:38:00:00:03  Ruuvi RAWv2 (format 5)  24.3 Cel, 53.49 %, 1000.44 hPa, 2977 mV
  C4:7C:8D:00:00:04  MiFlora (GATT)          21.7 Cel, 1234 lx, 33 %, 456 uS/cm, battery 87 %

Runs in the virtual machine, with bumble. SIGKILL is a dongle pulled out.
"""

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable

from bumble import hci
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData, PhysicalTransport
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport import open_transport
from bumble.transport.common import AsyncPipeSink
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

ADAPTER = "00:1A:7D:DA:71:13"
PLAIN, ENCRYPTED = "F0:F1:38:00:00:01", "F0:F1:38:00:00:02"
RUUVI, FLORA = "F0:F1:38:00:00:03", "C4:7C:8D:00:00:04"
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")  # the example of bthome.io/encryption

_FLAGS = (AdvertisingData.FLAGS, bytes([6]))
_SERVICE_DATA = AdvertisingData.SERVICE_DATA_16_BIT_UUID
_BTHOME = struct.pack("<H", 0xFCD2)


class Air(LocalLink):
    """What joins the controllers.

    bumble 0.0.236 labels LE data with the sender's random address; BlueZ connects with its public
    one and would not know the answers.
    """

    def send_acl_data(self, sender, destination, transport, data):  # noqa: ANN001, ANN201  bumble
        if transport != PhysicalTransport.LE:
            return super().send_acl_data(sender, destination, transport, data)
        receiver = self.find_le_controller(destination)
        connection = sender.le_connections.get(destination)
        source = connection.self_address if connection else sender.random_address
        if receiver:
            loop = asyncio.get_running_loop()
            loop.call_soon(receiver.on_link_acl_data, source, transport, data)
        return None


def _controller(name: str, air: Air, **ends: object) -> Controller:
    controller = Controller(name, link=air, **ends)
    controller.le_features &= ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    return controller


async def _sensor(air: Air, name: str, address: str) -> Device:
    config = DeviceConfiguration()
    config.name, config.address = name, Address(address)
    controller = _controller(name, air)
    return Device(config=config, host=Host(controller, AsyncPipeSink(controller)))


def _measured(count: int) -> bytes:
    """BTHome objects: battery, temperature, humidity."""
    temperature = struct.pack("<h", 2000 + 10 * (count % 100))
    return b"\x01\x63" + b"\x02" + temperature + b"\x03" + struct.pack("<H", 5050)


def plain(count: int) -> bytes:
    """bthome.io/format: device information, packet id, objects in order of their ids."""
    payload = b"\x40\x00" + bytes([count % 256]) + _measured(count)
    return bytes(AdvertisingData([_FLAGS, (_SERVICE_DATA, _BTHOME + payload)]))


def encrypted(count: int) -> bytes:
    """bthome.io/encryption: AES-CCM, a nonce of address, service, information and counter."""
    counter = struct.pack("<I", count)
    nonce = bytes.fromhex(ENCRYPTED.replace(":", "")) + _BTHOME + b"\x41" + counter
    sealed = AESCCM(KEY, tag_length=4).encrypt(nonce, _measured(count), None)
    payload = b"\x41" + sealed[:-4] + counter + sealed[-4:]
    return bytes(AdvertisingData([_FLAGS, (_SERVICE_DATA, _BTHOME + payload)]))


def ruuvi(count: int) -> bytes:
    """docs.ruuvi.com, data format 5, with the values of its test vector and a running number."""
    fields = struct.pack(
        ">BhHHhhhHBH", 5, 0x12FC, 0x5394, 0xC37C, 4, -4, 0x40C, 0xAC36, 66, count % 65535
    )
    data = struct.pack("<H", 0x0499) + fields + bytes.fromhex(RUUVI.replace(":", ""))
    return bytes(AdvertisingData([_FLAGS, (AdvertisingData.MANUFACTURER_SPECIFIC_DATA, data)]))


def flora(count: int) -> bytes:
    """An advertisement of service 0xFE95 that carries no measurement: those are read by GATT."""
    service = struct.pack("<H", 0xFE95)
    header = bytes.fromhex("31029800") + bytes([count % 256])
    address = bytes.fromhex(FLORA.replace(":", ""))[::-1]
    name = (AdvertisingData.COMPLETE_LOCAL_NAME, b"Flower care")
    return bytes(AdvertisingData([_FLAGS, (_SERVICE_DATA, service + header + address), name]))


class FloraService:
    """Mode A0 1F on 0x1A00 makes 0x1A01 real values; 0x1A02 is battery and firmware."""

    def __init__(self, device: Device) -> None:
        self._mode = b"\x00\x00"
        kind, both = Characteristic.Properties, Characteristic.READABLE | Characteristic.WRITEABLE
        mode = Characteristic(
            _uuid(0x1A00),
            kind.READ | kind.WRITE,
            both,
            CharacteristicValue(read=lambda _: self._mode, write=self._choose),
        )
        self.data = Characteristic(
            _uuid(0x1A01),
            kind.READ | kind.NOTIFY,
            Characteristic.READABLE,
            CharacteristicValue(read=lambda _: self.values(0)),
        )
        firmware = bytes([87, 0x28]) + b"3.2.9"
        about = Characteristic(_uuid(0x1A02), kind.READ, Characteristic.READABLE, firmware)
        device.add_service(Service(_uuid(0x1204), [mode, self.data, about]))

    def _choose(self, _connection: object, value: bytes) -> None:
        self._mode = value

    def values(self, count: int) -> bytes:
        if self._mode != b"\xa0\x1f":
            return bytes.fromhex("aabbccddeeff99887766000000000000")
        return struct.pack("<hBIBH6x", 217 + count % 10, 0, 1234, 33, 456)


def _uuid(short: int) -> UUID:
    return UUID(f"0000{short:04x}-0000-1000-8000-00805f9b34fb")


def _count() -> int:
    """Grows by one a second, also while this program does not run: sensors go on counting when a
    dongle is pulled, and lower numbers are replays."""
    return int(time.time()) % 2**32


async def _advertise(device: Device, payload: Callable[[int], bytes]) -> None:
    await device.start_advertising(auto_restart=True, advertising_data=payload(_count()))
    while True:
        await asyncio.sleep(1)
        if not device.connections:
            await device.stop_advertising()
            await device.start_advertising(auto_restart=True, advertising_data=payload(_count()))


async def _notify(device: Device, service: FloraService) -> None:
    count = 0
    while True:
        await asyncio.sleep(1)
        count += 1
        for connection in list(device.connections.values()):
            await device.notify_subscriber(connection, service.data, service.values(count))


def _tell_systemd(state: str) -> None:
    if place := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(state.encode(), place.replace("@", "\0", 1))


async def main() -> None:
    air = Air()
    transport = await open_transport("vhci")
    _controller(
        "adapter",
        air,
        host_source=transport.source,
        host_sink=transport.sink,
        public_address=f"{ADAPTER}/P",
    )
    sensors = [
        (await _sensor(air, "plain", PLAIN), plain),
        (await _sensor(air, "encrypted", ENCRYPTED), encrypted),
        (await _sensor(air, "ruuvi", RUUVI), ruuvi),
        (await _sensor(air, "Flower care", FLORA), flora),
    ]
    device = sensors[-1][0]
    service = FloraService(device)
    for sensor, _ in sensors:
        await sensor.power_on()
    async with asyncio.TaskGroup() as tasks:
        for sensor, payload in sensors:
            tasks.create_task(_advertise(sensor, payload))
        tasks.create_task(_notify(device, service))
        _tell_systemd("READY=1")


if __name__ == "__main__":
    asyncio.run(main())
