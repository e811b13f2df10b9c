"""What a device's entry may say, and what is complained about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent.clock import Clock
from agent.contract import Device, Line, Misconfigured, PointInfo
from agent.host import DeviceHost
from drivers.modbus import DRIVER
from drivers.modbus.settings import ModbusSettings
from drivers.modbus.station import Station

Site = Callable[..., str]

POINTS = {
    "air_temperature": {"address": 0, "unit": "Cel", "range": [-40, 80], "name": "Air"},
    "alarm": {"address": 1, "enum": {0: "none", 1: "frost"}, "range": [0, 1]},
    "rain": {"address": 2, "kind": "counter", "modulus": 65536},
    "serial": {"address": 3, "type": "ascii", "length": 2},
    "lamp": {"table": "coil", "address": 0, "type": "bool", "write": {"function": 5}},
}


@pytest.fixture
def station(tmp_path: Path) -> Callable[..., Station]:
    def made(**options: Any) -> Station:
        device = Device("d", "modbus", 1.0, options={"profile": "probe"} | options)
        return Station.of(device, DeviceHost(device, Clock(), None, None, tmp_path / "site"))

    return made


def test_the_profile_fills_in_what_the_entry_leaves_out(
    station: Callable[..., Station], site: Site
) -> None:
    site(POINTS, line={"baud": 4800, "unit": 9}, timing={"timeout": "2s", "warm_up": "1min"})
    usual = station()
    assert (usual.unit, usual.timeout, usual.guard, usual.warm_up) == (9, 2.0, 0.0, 60.0)
    assert usual.line is None
    own = station(unit=3, timeout="1s", guard="5ms", max_late="3s", warm_up="0s")
    assert (own.unit, own.timeout, own.guard, own.max_late, own.warm_up) == (3, 1, 0.005, 3, 0)


def test_a_line_of_its_own_starts_from_the_factory_s(
    station: Callable[..., Station], site: Site
) -> None:
    site(POINTS, line={"baud": 4800, "parity": "even"})
    assert station(line={"stop_bits": 2}).line == Line(4800, "even", 2, 8)


def test_the_catalogue_says_what_each_point_is(station: Callable[..., Station], site: Site) -> None:
    site(POINTS)
    assert station().catalogue == [
        PointInfo("air_temperature", "Cel", "Air", (-40.0, 80.0), "measurement"),
        PointInfo("alarm", "1", "", None, "state"),
        PointInfo("rain", "1", "", None, "counter"),
        PointInfo("serial", "1", "", None, "text"),
        PointInfo("lamp", "1", "", None, "state", writable=True),
    ]


def test_a_point_that_is_not_there_is_named_with_its_neighbour(
    station: Callable[..., Station], site: Site
) -> None:
    site(POINTS)
    with pytest.raises(Misconfigured, match=r"no point 'air_temp'.*'air_temperature'"):
        station(points=["air_temp"])


def test_a_profile_that_is_not_there_is_named(station: Callable[..., Station]) -> None:
    with pytest.raises(Misconfigured, match="did you mean 'xy-md02'"):
        station(profile="xy-md2")


@pytest.mark.parametrize(
    ("text", "complaint"), [("points: [", "expected"), ("title: t", "source: Field required")]
)
def test_a_broken_profile_is_named_with_the_place(
    text: str, complaint: str, station: Callable[..., Station], site: Site, tmp_path: Path
) -> None:
    site(POINTS)
    file = tmp_path / "site" / "modbus" / "probe.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured) as caught:
        station()
    assert str(file) in str(caught.value)
    assert complaint in str(caught.value)


def test_a_wrong_point_is_named(station: Callable[..., Station], site: Site) -> None:
    site({"far": {"address": 70000}})
    with pytest.raises(Misconfigured, match=r"points\.far\.address: .*65535"):
        station()


def test_a_corrected_profile_is_read_again(station: Callable[..., Station], site: Site) -> None:
    site(POINTS)
    assert station().profile is station().profile
    site({"other": {"address": 1}})
    assert set(station().points) == {"other"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"unit": 0},
        {"unit": 256},
        {"profile": "../secret"},
        {"points": []},
        {"timeout": "0s"},
        {"timeout": 5},
        {"line": {"baud": 1}},
        {"adress": 3},
    ],
)
def test_nonsense_in_an_entry_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ModbusSettings.model_validate({"profile": "xy-md02"} | wrong)


def test_the_driver_needs_a_wire_only_when_it_is_opened(site: Site, tmp_path: Path) -> None:
    site(POINTS)
    device = Device("d", "modbus", 1.0, options={"profile": "probe"})
    driver = DRIVER.make(device, DeviceHost(device, Clock(), None, None, tmp_path / "site"))
    assert len(driver.points) == len(POINTS)


async def test_a_device_without_a_wire_is_misconfigured(site: Site, tmp_path: Path) -> None:
    site(POINTS)
    device = Device("d", "modbus", 1.0, options={"profile": "probe"})
    driver = DRIVER.make(device, DeviceHost(device, Clock(), None, None, tmp_path / "site"))
    with pytest.raises(Misconfigured):
        await driver.open()
