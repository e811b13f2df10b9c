"""What devices show on a scripted day, by what their points mean."""

from typing import Any

import pytest
import yaml

from agent.contract import Quality, Value
from agent.paths import share
from agent.simulate.script import DAYS, script_named
from agent.simulate.story import MEASURED, PARKING, Story, parted
from drivers.modbus import decode as modbus_decode
from drivers.modbus import encode as modbus_encode
from drivers.modbus import profile as modbus_profile
from drivers.modbus import waves as modbus_waves

HOUR = 3600.0
PROFILES = share() / "configs" / "profiles" / "modbus"


class Hours:
    def __init__(self) -> None:
        self.hour = 0.0

    def __call__(self) -> float:
        return self.hour * HOUR


def told(day: str, *asked: tuple[str, str]) -> list[list[Value | None]]:
    """Of each device and point, what it shows every quarter of an hour."""
    hours = Hours()
    story = Story(script_named(day), hours)
    found: list[list[Value | None]] = [[] for _ in asked]
    for quarter in range(96):
        hours.hour = quarter / 4
        for values, (device, point) in zip(found, asked, strict=True):
            values.append(story(device, point))
    return found


@pytest.mark.parametrize(
    ("point", "parts"),
    [
        ("air_temperature", ("air_temperature", "")),
        ("soil_moisture_10cm", ("soil_moisture", "10cm")),
        ("wind_speed_average", ("wind_speed_average", "")),
        ("occupied_a17", ("occupied", "a17")),
        ("relay_state_3", ("relay_state", "3")),
        ("voltage_l1", ("voltage_l1", "")),
    ],
)
def test_a_point_is_known_by_its_meaning(point: str, parts: tuple[str, str]) -> None:
    assert parted(point) == parts


def test_what_is_told_is_in_the_vocabulary() -> None:
    words: Any = yaml.safe_load((share() / "configs" / "units.yaml").read_text(encoding="utf-8"))
    assert {*MEASURED, *PARKING} <= words["points"].keys()


def test_devices_of_one_place_agree_and_are_not_the_same() -> None:
    here, there = told("greenhouse", ("a", "air_temperature"), ("b", "air_temperature"))
    assert here != there
    for one, other in zip(here, there, strict=True):
        assert isinstance(one, float)
        assert isinstance(other, float)
        assert abs(one - other) < 1.0


def test_a_space_reads_the_same_by_all_its_points() -> None:
    points = ("occupied_7", "parking_state_7", "event_counter_7", "rssi_7")
    occupied, state, counter, rssi = told("parking", *(("lot", point) for point in points))
    words = ["occupied" if one else "vacant" for one in occupied]
    assert words == state
    assert len(set(counter)) > 3
    by_state = {word: {r for w, r in zip(words, rssi, strict=True) if w == word} for word in words}
    assert {len(found) for found in by_state.values()} == {1}, "a car dampens the radio"
    assert by_state["vacant"] != by_state["occupied"]


def test_what_no_story_is_told_of_is_left_to_the_simulator() -> None:
    story = Story(script_named("soil"), lambda: 0.0)
    assert story("meter", "voltage_l1") is None
    assert story("meter", "energy_import") is None


POINTS = [
    (file.stem, name, point)
    for file in sorted(PROFILES.glob("*.yaml"))
    for name, point in modbus_profile.load_profile(file).points.items()
]


@pytest.mark.parametrize("day", DAYS)
def test_every_point_of_every_modbus_profile_can_show_its_day(day: str) -> None:
    """Nothing that a story tells is beyond what the registers carry or the range allows."""
    hours = Hours()
    story = Story(script_named(day), hours)
    seen = 0
    for hour in range(0, 24, 3):
        hours.hour = hour
        for device, name, point in POINTS:
            value = story(device, name)
            fitted = None if value is None else modbus_waves.fitted(point, value)
            if fitted is None:
                continue
            _, quality, reason = modbus_decode.decode(point, modbus_encode.encode(point, fitted))
            assert quality is not Quality.BAD, (device, name, fitted)
            assert reason in {"", "indicative"}, (device, name, fitted)
            seen += 1
    assert seen > 8 * 100
