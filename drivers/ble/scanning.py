"""One scan with bleak. Strangers are dropped before anything keeps them."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from drivers.ble.edge import TROUBLES
from drivers.ble.packet import Packet

STOP = 5.0  # s that ending a scan may take

Hear = Callable[[BLEDevice, Packet], None]
Pattern = tuple[int, bytes]  # AD type, beginning


def scanner(
    adapter: str, wanted: Callable[[str], bool], hear: Hear, patterns: Sequence[Pattern] = ()
) -> BleakScanner:
    """Not started. Passive where there are `patterns`. `wanted` is asked for each advertisement.

    Repetitions are asked for (DuplicateData), or a device whose values stay would fall silent, and
    BlueZ would add up the data of packets instead of replacing it.
    """

    def heard(device: BLEDevice, data: AdvertisementData) -> None:
        if wanted(device.address):
            hear(device, packet_of(device, data))

    mode: Literal["active", "passive"] = "passive" if patterns else "active"
    arguments: BlueZScannerArgs = {"adapter": adapter, "filters": {"DuplicateData": True}}
    if patterns:
        arguments["or_patterns"] = [
            OrPattern(0, AdvertisementDataType(kind), content) for kind, content in patterns
        ]
    return BleakScanner(heard, scanning_mode=mode, bluez=arguments, backend=_listed(wanted))


def packet_of(device: BLEDevice, data: AdvertisementData) -> Packet:
    return Packet(
        device.address.upper(),
        None if data.rssi == -127 else data.rssi,
        data.local_name or "",
        {key.lower(): bytes(value) for key, value in data.service_data.items()},
        {key: bytes(value) for key, value in data.manufacturer_data.items()},
        tuple(one.lower() for one in data.service_uuids),
    )


async def stop(one: BleakScanner) -> None:
    """Also where nobody is left to tell."""
    with contextlib.suppress(*TROUBLES, AssertionError):
        async with asyncio.timeout(STOP):
            await one.stop()


def _listed(wanted: Callable[[str], bool]) -> type[BleakScannerBlueZDBus]:
    class Listed(BleakScannerBlueZDBus):
        """bleak keeps every device that it sees; this one sees those on the list only."""

        def _handle_advertising_data(self, path: str, props: Any) -> None:
            if wanted(props["Address"]):
                super()._handle_advertising_data(path, props)

    return Listed
