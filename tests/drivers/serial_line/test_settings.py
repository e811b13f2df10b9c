"""What a device's entry may say, and what silence of its detectors means."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import drivers.serial_line
from agent.clock import Clock
from agent.contract import Device
from agent.contract.settings import Strict
from agent.host import DeviceHost
from agent.paths import share
from drivers.serial_line.checks import CHECKS
from drivers.serial_line.presence import Presence
from drivers.serial_line.profile import (
    Address,
    Exchange,
    Heard,
    Message,
    Point,
    Profile,
    Setup,
    Timing,
    Write,
)
from drivers.serial_line.settings import SerialLineSettings
from drivers.serial_line.station import Station


def settings(**options: Any) -> SerialLineSettings:
    return SerialLineSettings.model_validate({"profile": "p"} | options)


@pytest.mark.parametrize(
    ("written", "detectors"),
    [
        ([1, 2], {"1": 1, "2": 2}),
        (["1-3", 9], {"1": 1, "2": 2, "3": 3, "9": 9}),
        ({"a17": "F00A12", 3: 3}, {"a17": "F00A12", "3": 3}),
    ],
)
def test_detectors_are_listed_or_named(written: Any, detectors: dict[str, Any]) -> None:
    assert settings(detectors=written).detectors == detectors


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"detectors": []}, "list detectors like"),
        ({"detectors": ["1-5000"]}, "list detectors like"),
        ({"detectors": ["a"]}, "numbers and spans"),
        ({"detectors": [True]}, "numbers and spans"),
        ({"detectors": {"A 1": 1}}, "a detector's label"),
        ({"detectors": 5}, "list detectors like"),
        ({"listen": "tcp://1.2.3.4:5"}, "write a UDP address like"),
        ({"listen": "udp://1.2.3.4:70000"}, "write a UDP address like"),
        ({"connect": "udp://1.2.3.4"}, "write a UDP address like"),
        ({"listen": 5000}, "write a UDP address like"),
        ({"silent_after": 60}, "with its unit"),
        ({"check": "md5"}, "Input should be"),
        ({"adress": 1}, "Extra inputs"),
    ],
)
def test_mistakes_are_told_in_words(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        settings(**options)


def test_the_schema_for_editors_is_complete() -> None:
    schema = SerialLineSettings.model_json_schema()
    assert all("description" in field for field in schema["properties"].values())


def test_silence_is_told_at_the_limit_and_again_while_it_lasts() -> None:
    presence = Presence(["a", "b"], 30.0, 100.0)
    assert presence.wait(100.0) == 30.0
    assert presence.overdue(129.0) == []
    presence.heard("a", 129.0)
    assert presence.overdue(130.0) == ["b"]
    assert presence.overdue(131.0) == []
    assert presence.overdue(160.0) == ["a", "b"]
    assert presence.wait(170.0) == 19.0 + 1.0


def test_a_detector_that_speaks_is_present_at_once() -> None:
    presence = Presence(["a"], 30.0, 0.0)
    assert presence.overdue(40.0) == ["a"]
    presence.heard("a", 41.0)
    assert presence.overdue(70.0) == []
    assert presence.overdue(71.0) == ["a"]


README = (Path(str(drivers.serial_line.__file__)).parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "model",
    [SerialLineSettings, Profile, Message, Exchange, Write, Setup, Heard, Address, Timing, Point],
)
def test_the_readme_names_every_setting_and_every_key_of_a_profile(model: type[Strict]) -> None:
    for name in model.model_fields:
        if (model, name) not in {(Message, "note"), (Setup, "note"), (Point, "name")}:
            assert re.search(rf"`{name}:?`|`{name}: ", README), name


def test_the_readme_names_every_profile_and_every_checksum() -> None:
    folder = share() / "configs" / "profiles" / "serial_line"
    for name in [*(file.stem for file in folder.glob("*.yaml")), *CHECKS]:
        assert f"`{name}`" in README, name


def test_the_configuration_of_the_readme_is_sound() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    for device in yaml.safe_load(text)["devices"]:
        if device["driver"] == "serial_line":
            options = {k: v for k, v in device.items() if k not in {"id", "driver", "wire"}}
            one = Device(device["id"], "serial_line", 1.0, device.get("wire", ""), options=options)
            assert Station.of(one, DeviceHost(one, Clock())).catalogue
