"""The example that technicians copy: sound, complete, and true about the defaults."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from agent.clock import Clock
from agent.config.load import examine, load
from agent.config.schema import DeviceSettings, Settings
from agent.config.schema_json import schema
from agent.config.source import Source, read_source
from agent.contract import Device, DriverSpec
from agent.host import DeviceHost
from agent.registry import driver_named, driver_names

EXAMPLE = Path(__file__).parents[3] / "configs" / "gateway.example.yaml"
OPTIONS = (
    "fail_every", "fault_every", "seed", "warm_up", "still", "rate", "rest", "detect", "pictures",
    "no_plates", "confidence", "adopt", "memory", "ca_file", "size", "calibrate",
)  # fmt: skip
TEXT = EXAMPLE.read_text(encoding="utf-8")


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every settings model in it, and those within."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for inner in get_args(annotation):
        yield from models(inner)


MODELS = [*models(Settings), *(m for n in driver_names() for m in models(driver_named(n).settings))]


def uncommented() -> str:
    """The example with every setting in force, but the one that stands there twice."""
    lines = [
        line for line in TEXT.split("\n") if not line.lstrip().startswith("line: {baud: 9600}")
    ]
    return "\n".join(
        re.sub(r"^( *)# (?=( *)(?:- |[a-z_]+:(?: |$)))", r"\1", line) for line in lines
    )


def made(spec: DriverSpec, device: Device) -> None:
    spec.make(device, DeviceHost(device, Clock()))


def test_it_loads_with_the_profiles_that_are_shipped() -> None:
    config, mistakes = examine(EXAMPLE, made)
    assert mistakes == ()
    assert config is not None
    names = {"ble", "camera", "modbus", "serial_line", "simulated"}
    assert {spec.name for spec in config.specs} == names


def test_an_editor_finds_nothing_to_underline() -> None:
    source = read_source(EXAMPLE)
    assert isinstance(source, Source)
    assert list(Draft202012Validator(schema()).iter_errors(source.data)) == []
    assert TEXT.startswith("# yaml-language-server: $schema=gateway.schema.json\n")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_setting_stands_in_it_with_a_comment(model: type[BaseModel]) -> None:
    for name in model.model_fields:
        lines = re.findall(rf"(?m)^.*(?:^[ #-]*|[{{,] ?){name}:.*$", TEXT)
        heads = re.findall(rf"(?m)^# .*\n{name}:$", TEXT)
        assert heads or any("#" in line for line in lines), name


def test_what_is_commented_out_is_the_default(tmp_path: Path) -> None:
    """Each setting taken into force by itself must change nothing."""
    plain = load(EXAMPLE).settings
    examples = {"maintenance", "client_id", "username", "password_file", "include", "tls", "line"}
    tried = 0
    lines = TEXT.split("\n")
    for at, line in enumerate(lines):
        match = re.match(r"^( +)# ([a-z_]+): \S", line)
        if match is None or match[2] in examples or "default: the profile" in line:
            continue
        tried += 1
        there = tmp_path / "gateway.yaml"
        there.write_text("\n".join([*lines[:at], line.replace("# ", "", 1), *lines[at + 1 :]]))
        changed = load(there).settings
        # A driver's options are kept as written, and `framing` is left open for serial ports.
        section = {"framing": "wires"} | dict.fromkeys(OPTIONS, "devices")
        without = {section[match[2]]} if match[2] in section else set()
        assert changed.model_dump(exclude=without) == plain.model_dump(exclude=without), line
    assert tried > 25


def test_all_of_it_in_force_is_sound_yaml_of_known_settings(tmp_path: Path) -> None:
    """Only the files that it names are not there."""
    (tmp_path / "devices").mkdir()
    file = tmp_path / "gateway.yaml"
    file.write_text(uncommented(), encoding="utf-8")
    assert yaml.safe_load(uncommented())["uplinks"][0]["tls"]["key_file"]
    _, mistakes = examine(file)
    assert [mistake.path for mistake in mistakes] == [
        "uplinks[0].password_file",
        "uplinks[0].tls.ca_file",
        "uplinks[0].tls.cert_file",
        "uplinks[0].tls.key_file",
    ], [str(mistake) for mistake in mistakes]


def test_the_common_keys_of_a_device_are_named_in_it() -> None:
    (line,) = [line for line in TEXT.split("\n") if line.startswith("# Keys beside ")]
    assert line == f"# Keys beside {', '.join(DeviceSettings.model_fields)} belong to the driver:"
