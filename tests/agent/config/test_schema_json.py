"""The JSON Schema for editors says what loading says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent import registry
from agent.config.load import examine
from agent.config.schema_json import schema
from agent.config.source import Source, read_source
from agent.contract import Device, DriverSpec, Host, PolledDriver
from agent.contract.settings import Seconds, Strict

Write = Callable[[str | bytes], Path]

SCHEMA = schema()


def data(file: Path) -> dict[str, Any]:
    source = read_source(file)
    assert isinstance(source, Source)
    return source.data


def places(written: dict[str, Any]) -> set[str]:
    """The top level sections in which an editor underlines something."""
    errors = Draft202012Validator(SCHEMA).iter_errors(written)
    return {str(error.path[0]) if error.path else "" for error in errors}


def test_it_is_a_schema_of_the_draft_that_it_names() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_sound_configuration_is_valid(write: Write, sound: str) -> None:
    assert places(data(write(sound))) == set()


def test_sections_that_are_all_comments_are_valid(write: Write) -> None:
    assert places(data(write("devices:\nuplinks:\nwires:\ngateway:\n"))) == set()


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("id: east-gate", "id: East Gate", "gateway"),
        ("max_age: 7d", "max_age: 7", "store"),
        ("max_size: 500MB", "max_size: 500", "store"),
        ("records: 200", "records: 0", "store"),
        ("flushes: 5", "flushs: 5", "store"),
        ("parity: even", "parity: evn", "wires"),
        ("    port: /dev/serial/by-id/usb-1a86\n", "", "wires"),
        ("driver: modbus\n", "driver: modbuss\n", "devices"),
        ("unit: 3", "unit: 300", "devices"),
        ("profile: renke-soil-7in1", "profil: renke-soil-7in1", "devices"),
        ("    wire: bus-1\n", "", "devices"),
        ("line: {baud: 4800}", "line: {bauds: 4800}", "devices"),
        ("timeout: 500ms", "timeout: 500", "devices"),
        ("encoding: cbor", "encoding: xml", "uplinks"),
        ("mqtt: 5", "mqtt: 4", "uplinks"),
        ("metrics: {", "colour: red\nmetrics: {", ""),
    ],
)
def test_an_editor_underlines_what_loading_refuses(
    write: Write, sound: str, old: str, new: str, where: str
) -> None:
    file = write(sound.replace(old, new, 1))
    assert examine(file)[1]
    assert places(data(file)) == {where}


def test_defaults_and_limits_are_written_with_units() -> None:
    store = SCHEMA["$defs"]["Store"]["properties"]
    assert store["max_size"]["default"] == "2GB"
    assert store["max_age"]["default"] == "30d"
    every = SCHEMA["$defs"]["Commit"]["properties"]["every"]
    assert every["default"] == "1s"
    assert every["description"].endswith("At least 50ms, at most 1min.")
    assert re.fullmatch(every["pattern"], every["default"])


def test_every_default_is_valid_by_itself() -> None:
    """Editors insert them."""
    seen = 0
    for definition in SCHEMA["$defs"].values():
        for name, field in definition.get("properties", {}).items():
            if "default" in field:
                seen += 1
                assert Draft202012Validator({**field, "$defs": SCHEMA["$defs"]}).is_valid(
                    field["default"]
                ), name
    assert seen > 20


def test_every_setting_is_described() -> None:
    exempt = {"stop_bits", "data_bits"}  # their names and choices say it
    for title, definition in SCHEMA["$defs"].items():
        for name, field in definition.get("properties", {}).items():
            assert field.get("description") or name in exempt or title == "Device", (title, name)


def test_a_driver_that_cannot_be_loaded_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.config.schema_json.driver_names", lambda: ["gone", "modbus"])
    made = Draft202012Validator(schema())
    assert made.is_valid({"devices": [{"id": "a", "driver": "gone", "anything": 1}]})
    assert not made.is_valid({"devices": [{"id": "a", "driver": "modbus", "anything": 1}]})


class _Nested(Strict):
    default: int = 3
    title: str = "x"


class _Foreign(Strict):
    nested: _Nested = _Nested()
    pause: Seconds | None = 2.0


def _never(device: Device, host: Host) -> PolledDriver:
    raise AssertionError


def test_a_foreign_drivers_settings_keep_to_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = DriverSpec("foreign", "of somebody else", _Foreign, _never)
    original = registry.driver_named
    monkeypatch.setattr("agent.config.schema_json.driver_names", lambda: ["foreign", "modbus"])
    monkeypatch.setattr(
        "agent.config.schema_json.driver_named",
        lambda name: spec if name == "foreign" else original(name),
    )
    made = schema()
    Draft202012Validator.check_schema(made)
    nested = made["$defs"]["foreign._Nested"]["properties"]
    assert nested["default"] == {"default": 3, "type": "integer"}
    assert nested["title"]["type"] == "string"
    assert made["$defs"]["foreign"]["properties"]["pause"]["default"] == "2s"
    device = {"id": "a", "driver": "foreign", "nested": {"default": 1}}
    assert Draft202012Validator(made).is_valid({"devices": [device]})
    assert not Draft202012Validator(made).is_valid({"devices": [device | {"profile": "x"}]})
