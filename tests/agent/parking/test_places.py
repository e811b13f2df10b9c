"""Which points of a device tell what of a space."""

import pytest

from agent.config.parking import SpaceSettings
from agent.config.places import Place, place_of
from agent.contract import Device, Misconfigured, PointInfo

RECEIVER = Device("r1", "serial_line", 2.0)
MAGNETOMETER = Device("m1", "modbus", 0.2)
STATES = [
    PointInfo(f"{name}_{label}", "1")
    for label in (1, 2, 12)
    for name in ("occupied", "parking_state", "battery_level", "rssi")
]
FIELD = [PointInfo(f"magnetic_{axis}", "uT") for axis in "xyz"]


def place(
    settings: dict[str, object],
    points: list[PointInfo],
    device: Device = RECEIVER,
    *,
    streaming: bool = False,
) -> Place:
    written = SpaceSettings.model_validate({"device": device.id, **settings})
    return place_of("a-1", written, device, points, streaming=streaming)


def test_a_detector_behind_a_receiver_is_named_by_its_label() -> None:
    found = place({"detector": 12}, STATES)
    assert found.roles == {
        "parking_state_12": "state", "battery_level_12": "battery_level", "rssi_12": "rssi",
    }  # fmt: skip
    assert found.sources == ["parking_state_12"]


def test_silence_is_three_missed_polls_or_a_time_where_nothing_is_asked() -> None:
    polled = place({"detector": 1}, STATES)
    assert (polled.missed, polled.silent_after) == (3, 60.0)
    assert place({"detector": 1}, STATES, Device("r1", "modbus", 600.0)).silent_after == 1800.0
    unasked = place({"detector": 1}, STATES, streaming=True)
    assert (unasked.missed, unasked.silent_after) == (0, 6 * 3600.0)
    chosen = place({"detector": 1, "silent_after": "9s"}, STATES)
    assert (chosen.missed, chosen.silent_after) == (0, 9.0)
    raw = place({}, FIELD, MAGNETOMETER)
    assert (raw.missed, raw.silent_after) == (0, 30.0)


def test_a_device_that_only_measures_the_field_leaves_the_decision_to_the_gateway() -> None:
    found = place({}, FIELD, MAGNETOMETER)
    assert found.is_raw
    assert found.roles == {"magnetic_x": "x", "magnetic_y": "y", "magnetic_z": "z"}
    assert not place({}, [*FIELD, PointInfo("occupied", "1")], MAGNETOMETER).is_raw


@pytest.mark.parametrize(
    ("unit", "scale"), [("uT", 1.0), ("nT", 1e-3), ("G", 100.0), ("mG", 0.1), ("T", 1e6)]
)
def test_any_unit_of_flux_density_becomes_microtesla(unit: str, scale: float) -> None:
    points = [PointInfo(f"b{axis}", unit) for axis in "xyz"]
    assert place({"axes": ["bx", "by", "bz"]}, points, MAGNETOMETER).scale == scale


WRONG = [
    ({"detector": 22}, STATES, "no detector '22'", "did you mean '2'", "detector"),
    ({"detector": 7}, STATES, "no detector '7'", "there are: 1, 2, 12", "detector"),
    ({}, STATES, "several detectors", "one of: 1, 2, 12", "device"),
    ({"point": "ocupied_1"}, STATES, "no point", "did you mean 'occupied_1'", "point"),
    ({}, [PointInfo("co2", "[ppm]")], "no point of r1 tells", "there are: co2", "device"),
    ({"axes": ["rssi_1", "rssi_2", "rssi_12"]}, STATES, "must be measured", "units", "axes"),
    ({"axes": ["magnetic_x", "magnetic_x", "magnetic_z"]}, FIELD, "named twice", "x, y", "axes"),
    ({"axes": ["magnetic_x", "magnetic_y", "magnetic_q"]}, FIELD, "no point", "did you", "axes"),
    ({}, FIELD, "is read every 2 s", "200ms", "device"),
]


@pytest.mark.parametrize(("settings", "points", "problem", "remedy", "key"), WRONG)
def test_what_does_not_fit_is_refused_with_what_would(
    settings: dict[str, object], points: list[PointInfo], problem: str, remedy: str, key: str
) -> None:
    with pytest.raises(Misconfigured, match=problem) as caught:
        place(settings, points)
    assert remedy in caught.value.hint
    assert caught.value.values["key"] == key
