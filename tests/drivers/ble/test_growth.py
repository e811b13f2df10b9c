"""An hour of a busy place, 100 advertisements a second, on a clock that is turned by hand."""

import random
import sys
from typing import Any

from agent.contract import Device, Instant, Reading
from agent.host import DeviceHost
from drivers.ble import payloads
from drivers.ble.intake import Intake
from drivers.ble.packet import Packet, uuid
from drivers.ble.scanning import scanner
from drivers.ble.station import Station

A = "A4:C1:38:8D:18:B2"
HOUR, RATE, OURS = 3600, 100, 5  # s, advertisements a second, those of them that are ours
WARM_UP = 300  # s
SPARE = 500  # blocks of memory that caches may still take


class Place:
    """Strangers whose addresses change, and a sensor of ours that sends each packet thrice."""

    def __init__(self, intake: Intake) -> None:
        self._intake, self._random = intake, random.Random(7)
        self.now = 0.0
        self.readings = self.events = 0
        scan = scanner("hci0", {A}.__contains__, self._hear)
        self.backend: Any = scan._backend

    def passes(self, start: int, seconds: int) -> None:
        for second in range(start, start + seconds):
            for number in range(RATE):
                self.now = second + number / RATE
                if number % (RATE // OURS):
                    self._advertise(f"{self._random.getrandbits(46):012X}", b"\x40\x02\x10\x10")
                else:
                    values = {"temperature": 20 + second % 10, "moisture": 30}
                    count = (second * OURS + number // (RATE // OURS)) // 3
                    self._advertise(A, payloads.bthome(values, count))
            if second % 60 == 0:
                self.backend._handle_device_removed(f"/org/bluez/hci0/dev_{second}")

    def _advertise(self, address: str, data: bytes) -> None:
        path = f"/org/bluez/hci0/dev_{address}"
        props = {"Address": address, "Alias": "x", "RSSI": -70, "Adapter": "/org/bluez/hci0",
                 "ServiceData": {uuid("fcd2"): data}}  # fmt: skip
        self.backend._handle_advertising_data(path, props)

    def _hear(self, _: object, packet: Packet) -> None:
        at = Instant("boot", int(self.now * 1e9), 0, True)
        for record in self._intake.hear(packet, at):
            if isinstance(record, Reading):
                self.readings += 1
            else:
                self.events += 1


def test_an_hour_of_a_hundred_advertisements_a_second_leaves_nothing_behind() -> None:
    options = {"address": A, "family": "bthome", "points": ["air_temperature", "soil_moisture"]}
    device = Device("d", "ble", 10.0, options=options)
    from agent.clock import Clock

    station = Station.of(device, DeviceHost(device, Clock()))
    decoder = station.decoder()
    decoder.load()
    place = Place(Intake(station, decoder, {}, 0.0))
    place.passes(0, WARM_UP)
    told, before = place.readings, sys.getallocatedblocks()
    place.passes(WARM_UP, HOUR)
    assert sys.getallocatedblocks() - before < SPARE
    assert 3 * HOUR / 10 * 0.9 < place.readings - told <= 3 * HOUR / 9
    assert place.events == 0
    assert len(place.backend.seen_devices) == 1
