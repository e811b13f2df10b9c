"""What packets become: readings at their pace, states as they change, presses once. No radio."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.clock import Clock
from agent.contract import Device, Event, Instant, Quality, Reading
from agent.host import DeviceHost
from drivers.ble import payloads
from drivers.ble.intake import AGAIN, Intake
from drivers.ble.packet import Packet, fresh, uuid
from drivers.ble.station import Station
from drivers.ble.stream import INBOX

A = "A4:C1:38:8D:18:B2"
KEY = "231d39c1d7cc1ab1aee224cd096db932"
FCD2 = uuid("fcd2")


class Sensor:
    """A device whose packets are handed in at times of our own."""

    def __init__(self, options: dict[str, Any], every: float, state: dict[str, str]) -> None:
        device = Device("d", "ble", every, options={"address": A, **options})
        station = Station.of(device, DeviceHost(device, Clock()))
        decoder = station.decoder()
        decoder.load()
        self.intake = Intake(station, decoder, state, 0.0)

    def at(self, now: float, packet: Packet) -> list[Any]:
        """What it amounts to: (point, value) of readings, (kind, …) of events."""
        found: list[Any] = []
        for record in self.intake.hear(packet, instant(now)):
            if isinstance(record, Event):
                found.append((record.kind, *record.data.values()))
            elif record.quality is Quality.GOOD:
                found.append((record.point, record.value))
            else:
                found.append((record.point, record.value, record.quality.value, record.reason))
        return found


def instant(now: float) -> Instant:
    return Instant("boot", int(now * 1e9), 0, True)


def bthome(packet_id: int | None = None, rssi: int | None = None, **values: float) -> Packet:
    return Packet(A, rssi, services={FCD2: payloads.bthome(values, packet_id)})


def sealed(counter: int, temperature: float) -> Packet:
    values = {"temperature": temperature}
    data = payloads.bthome_encrypted(values, bytes.fromhex(KEY), A, counter)
    return Packet(A, services={FCD2: data})


Make = Callable[..., Sensor]


@pytest.fixture
def sensor(tmp_path: Path) -> Make:
    def make(every: float = 10.0, state: dict[str, str] | None = None, **options: Any) -> Sensor:
        if options.pop("keyed", False):
            file = tmp_path / "key"
            file.write_text(KEY)
            options["key_file"] = file
        options.setdefault("family", "bthome")
        return Sensor(options, every, {} if state is None else state)

    return make


def test_a_measurement_is_taken_once_a_period(sensor: Make) -> None:
    one = sensor(points=["air_temperature"])
    told = [one.at(n, bthome(n, temperature=20 + n / 10)) for n in range(25)]
    assert [n for n, records in enumerate(told) if records] == [0, 9, 18]
    assert told[9] == [("air_temperature", 20.9)]


def test_a_state_is_taken_as_it_changes(sensor: Make) -> None:
    one = sensor(points=["occupied"])
    steps = [(0, 1), (1, 1), (2, 0), (3, 0), (4, 1), (14, 1)]
    told = [one.at(n, bthome(n, binary_occupancy=value)) for n, value in steps]
    assert [len(records) for records in told] == [1, 0, 1, 0, 1, 1]
    assert told[2] == [("occupied", False)]


def test_the_signal_comes_with_values_only(sensor: Make) -> None:
    one = sensor(every=1.0, points=["soil_moisture"])
    assert one.at(0, bthome(1, -70, moisture=30)) == [("soil_moisture", 30), ("rssi", -70)]
    assert one.at(5, bthome(2, -71, temperature=20.0)) == []


def test_values_outside_what_is_plausible_are_uncertain(sensor: Make) -> None:
    one = sensor(points=["air_temperature"])
    assert one.at(0, bthome(1, temperature=200.0)) == [
        ("air_temperature", 200.0, "uncertain", "range")
    ]


def test_what_the_sensor_does_not_know_is_bad(sensor: Make) -> None:
    one = sensor(family="ruuvi", points=["air_temperature", "movement_counter"])
    data = bytearray(payloads.ruuvi5(A, 1))
    data[1:3] = b"\x80\x00"
    told = one.at(0, Packet(A, manufacturers={0x0499: bytes(data)}))
    assert told == [("air_temperature", None, "bad", "sensor_fault"), ("movement_counter", 0)]


def test_a_button_is_pressed_once_for_a_counter(sensor: Make) -> None:
    one = sensor(points=["battery_level"])
    press = ("ble.pressed", "button", "press")
    told = [one.at(n / 10, bthome(7, button=1)) for n in range(10)]
    assert told == [[press]] + [[]] * 9
    assert one.at(2, bthome(8, button=1)) == [press]


def test_without_a_counter_the_same_bytes_soon_after_are_the_same_press(sensor: Make) -> None:
    one = sensor(points=["battery_level"])
    told = [one.at(now, bthome(button=1)) for now in (0, 0.1, 0.2, 20, 20.1)]
    assert [len(records) for records in told] == [1, 0, 0, 1, 0]


def test_silence_is_told_again_and_again(sensor: Make) -> None:
    one = sensor(points=["soil_moisture"], quiet="60s")
    one.at(10, bthome(1, moisture=30))
    assert one.intake.due == 70
    for now in (70, 130):
        told = one.intake.silent(instant(now))
        assert [(r.point, r.value, r.reason) for r in told if isinstance(r, Reading)] == [
            ("soil_moisture", None, "silent"), ("rssi", None, "silent"),
        ]  # fmt: skip
        assert one.intake.due == now + 60
    assert one.at(131, bthome(2, moisture=31)) == [("soil_moisture", 31)], "at once"


def test_what_is_refused_is_no_sign_of_life(sensor: Make) -> None:
    one = sensor(points=["air_temperature"], keyed=True, quiet="60s")
    one.at(10, sealed(5, 20.0))
    one.at(50, sealed(5, 20.0))
    one.at(55, sealed(4, 20.0))
    one.at(59, bthome(temperature=20.0))
    assert one.intake.due == 70


def test_a_reason_is_told_at_once_and_then_hourly_with_how_often(sensor: Make) -> None:
    one = sensor(points=["air_temperature"], keyed=True)
    assert one.at(0, bthome(temperature=20.0)) == [("ble.refused", "plain", 1)]
    assert [one.at(n, bthome(temperature=20.0)) for n in range(1, 5)] == [[]] * 4
    assert one.at(5, sealed(1, 20.0)) == [("air_temperature", 20.0)]
    assert one.at(AGAIN, bthome(temperature=20.0)) == [("ble.refused", "plain", 5)]


def test_the_highest_counter_outlives_a_restart(sensor: Make) -> None:
    state: dict[str, str] = {}
    sensor(state=state, points=["air_temperature"], keyed=True).at(0, sealed(500, 20.0))
    again = sensor(state=state, points=["air_temperature"], keyed=True)
    assert again.at(0, sealed(499, 66.6)) == [("ble.refused", "replay", 1)]
    assert again.at(1, sealed(500, 66.6)) == []
    assert again.at(2, sealed(501, 21.0)) == [("air_temperature", 21.0)]


def test_a_new_battery_is_uncertain_until_a_person_says_so(sensor: Make) -> None:
    state: dict[str, str] = {}
    options = {"points": ["air_temperature"], "keyed": True}
    old = sensor(state=state, **options)
    old.at(0, sealed(500, 20.0))
    told = [old.at(1000 + 30 * n, sealed(n, 20.0)) for n in range(1, 5)]
    assert told[0] == [("ble.refused", "replay", 1)]
    assert told[1] == []
    assert told[2] == [
        ("ble.counter_restarted", "counter_restarted", 1),
        ("air_temperature", 20.0, "uncertain", "counter_restarted"),
    ]
    assert told[3] == [("air_temperature", 20.0, "uncertain", "counter_restarted")]
    new = sensor(state=state, battery="2026-11", **options)
    assert new.at(0, sealed(6, 21.0)) == [("air_temperature", 21.0)]
    assert new.at(30, sealed(5, 66.6)) == [("ble.refused", "replay", 1)]


def test_two_plain_transmitters_make_both_uncertain(sensor: Make) -> None:
    one = sensor(every=0.1, points=["air_temperature"])
    told: list[Any] = []
    for n in range(6):
        told += one.at(2 * n, bthome(100 + n, temperature=20.0))
        told += one.at(2 * n + 1, bthome(10 + n, temperature=66.6))
    assert ("ble.two_transmitters", "double", 1) in told
    assert ("air_temperature", 66.6) not in told
    assert told[-1] == ("air_temperature", 66.6, "uncertain", "two_transmitters")
    assert one.at(14, bthome(106, temperature=20.0))[0][2:] == ("uncertain", "two_transmitters")


def test_only_changed_manufacturer_data_is_looked_at() -> None:
    """BlueZ adds them up where the company id changes with the value."""
    before = Packet(A, manufacturers={2096: b"\1"})
    now = Packet(A, manufacturers={2096: b"\1", 2103: b"\2"})
    assert fresh(before, now).manufacturers == {2103: b"\2"}
    assert fresh(None, before) is before


def test_packets_that_wait_for_the_store_are_bounded_and_counted(make: Any) -> None:
    one = make(address=A, family="bthome", points=["soil_moisture"])
    for n in range(INBOX + 7):
        one.heard(bthome(n, moisture=30))
    assert len(one._inbox) == INBOX
    (event,) = one._overrun()
    assert (event.kind, event.data["packets"]) == ("ble.overrun", 7)
    assert one._overrun() == []
