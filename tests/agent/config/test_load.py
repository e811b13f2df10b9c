"""A configuration is loaded as a whole, or refused with every mistake in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, field_validator

from agent import registry
from agent.config.load import examine, load
from agent.config.options import Probe
from agent.contract import Device, DriverSpec, Host, Misconfigured, PolledDriver
from agent.contract.settings import Seconds, Strict

Write = Callable[[str | bytes], Path]
Complaints = Callable[[str | bytes], list[str]]

MODBUS = "    driver: modbus\n    wire: bus\n    profile: xy-md02\n"


def test_a_sound_configuration_becomes_settings_and_devices(write: Write, sound: str) -> None:
    file = write(sound)
    config = load(file)
    assert config.settings.gateway.name == "一号，大棚（东）：甲"
    assert config.settings.store.max_size == 500 * 10**6
    assert config.settings.store.max_age == 7 * 86400
    assert config.settings.wires["bus-1"].echo is False
    assert config.settings.uplinks[0].mqtt == "5"
    assert [device.id for device in config.devices] == ["soil-1", "air-1", "air-2"]
    assert [spec.name for spec in config.specs] == ["modbus"] * 3
    assert config.files == (file,)
    assert config.where("soil-1") == f"{file}:27"
    assert config.where("air-2") == f"{file}:38"


def test_a_device_keeps_its_options_as_they_are_written(write: Write, sound: str) -> None:
    config = load(write(sound))
    soil = config.devices[0]
    assert (soil.every, soil.wire, soil.name) == (10.0, "bus-1", "东区，三号地")
    assert soil.options == {
        "profile": "renke-soil-7in1",
        "unit": 3,
        "points": ["soil_moisture", "soil_temperature"],
        "timeout": "500ms",
    }
    assert config.specs[0].settings.model_validate(soil.options)


@pytest.mark.parametrize(
    "text",
    [
        "gateway: {}\n",
        "devices:\n",
        "uplinks:\n  # - id: city\n",
        "devices: []\nuplinks: []\nwires: {}\ninclude: []\n",
        "wires:\n  bus: {port: /dev/ttyUSB0}\n",
        "metrics: {listen: null}\n",
    ],
)
def test_no_uplink_and_no_device_are_valid(write: Write, text: str) -> None:
    config = load(write(text))
    assert config.devices == ()
    assert config.settings.uplinks == []


def test_all_mistakes_come_in_one_report_in_the_order_of_the_file(complaints: Complaints) -> None:
    text = f"""\
gateway: {{id: East Gate}}
store: {{max_size: 5}}
wires:
  bus: {{port: ttyUSB0}}
devices:
  - id: a
    evry: 5s
{MODBUS}  - id: a
    driver: modbuss
uplinks:
  - id: city
    brokers: [http://a]
colour: red
"""
    assert [line.split(":")[:2] for line in complaints(text)] == [
        ["1", " gateway.id"],
        ["2", " store.max_size"],
        ["4", " wires.bus.port"],
        ["7", " devices[0].evry"],
        ["11", " devices[1].id"],
        ["12", " devices[1].driver"],
        ["15", " uplinks[0].brokers[0]"],
        ["16", " colour"],
    ]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("gateway: {nam: x}\n", "1: gateway.nam: is not a setting; did you mean 'name'?"),
        ("gatway: {id: x}\n", "1: gatway: is not a setting; did you mean 'gateway'?"),
        ("store: {commit: {record: 5}}\n", "did you mean 'records'?"),
        ("wires: {b: {port: /dev/x, buad: 9600}}\n", "did you mean 'baud'?"),
        ("wires: {b: {port: /dev/x, stop-bits: 1}}\n", "did you mean 'stop_bits'?"),
        ("gateway: {NAME: x}\n", "did you mean 'name'?"),
        ("gateway: {zz: 1}\n", "is not a setting; here you can write: id, language, name"),
        ("devices:\n  - {id: a, driver: modbus, profle: xy-md02}\n", "did you mean 'profile'?"),
        ("devices:\n  - {id: a, driver: modbus, wires: b}\n", "did you mean 'wire'?"),
        ("devices:\n  - {id: a, drivr: modbus}\n", "did you mean 'driver'?"),
        (
            "devices:\n  - {id: a, driver: modbus, profile: p, wire: b, line: {bauds: 1}}\n",
            "2: devices[0].line.bauds: is not a setting; did you mean 'baud'?",
        ),
    ],
)
def test_an_unknown_key_is_answered_with_the_names_of_its_place(
    complaints: Complaints, where: str, said: str
) -> None:
    assert any(said in line for line in complaints(where)), complaints(where)


def test_two_ids_name_each_other(write: Write) -> None:
    wires = "wires:\n  bus: {port: /dev/x}\n"
    text = f"{wires}devices:\n  - id: a\n{MODBUS}    unit: 1\n  - id: a\n{MODBUS}    unit: 2\n"
    file = write(text)
    assert list(map(str, examine(file)[1])) == [
        f"{file}:9: devices[1].id: 'a' is the id of {file}:4 too; give each its own"
    ]


def test_uplinks_with_one_id_are_refused_even_when_one_is_broken(complaints: Complaints) -> None:
    text = "uplinks:\n  - {id: a, brokers: [mqtts://a]}\n  - {id: a, brokers: []}\n"
    assert len([line for line in complaints(text) if "is the id of" in line]) == 1


@pytest.mark.parametrize(
    ("wires", "said"),
    [
        ("{bus-1: {port: /dev/x}}", "did you mean 'bus-1'?"),
        ("{left: {port: /dev/x}, right: {port: /dev/y}}", "there are: left, right"),
        ("{}", "add it to `wires:`"),
    ],
)
def test_an_unknown_wire_is_answered_with_the_known_ones(
    complaints: Complaints, wires: str, said: str
) -> None:
    (line,) = complaints(f"wires: {wires}\ndevices:\n  - id: a\n{MODBUS}")
    assert line.startswith("5: devices[0].wire: no wire is called 'bus'; ")
    assert line.endswith(said)


def test_a_wire_with_a_mistake_of_its_own_is_still_there(complaints: Complaints) -> None:
    (said,) = complaints(f"wires: {{bus: {{port: ttyS0}}}}\ndevices:\n  - id: a\n{MODBUS}")
    assert said.startswith("1: wires.bus.port: write the adapter's file")


def test_a_modbus_device_needs_a_wire(complaints: Complaints) -> None:
    (said,) = complaints("devices:\n  - {id: a, driver: modbus, profile: xy-md02}\n")
    assert said == "2: devices[0]: needs a wire; add `wire:`, naming one of `wires:`"


def test_one_port_has_one_wire(complaints: Complaints, tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to("/dev/ttyUSB0")
    text = f"wires:\n  a: {{port: {tmp_path}/by-id}}\n  b:\n    port: /dev/ttyUSB0\n"
    assert complaints(text) == [
        "4: wires.b.port: wire 'a' uses the same; hang the devices of both on one wire"
    ]


def test_one_peer_has_one_wire(complaints: Complaints) -> None:
    text = "wires:\n  a: {connect: Box:502}\n  b: {connect: box:502}\n  c: {connect: box:503}\n"
    assert [line[:18] for line in complaints(text)] == ["3: wires.b.connect"]


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [("unit: 3", "unit: 3", 12), ("name: x", "name: y", 8), ("unit: 1", "unit: 2", 0)],
)
def test_two_devices_on_a_wire_have_two_units(
    write: Write, first: str, second: str, line: int
) -> None:
    wires = "wires: {bus: {port: /dev/x}, other: {port: /dev/y}}\n"
    third = f"  - id: c\n{MODBUS}    {first}\n".replace("wire: bus", "wire: other")
    devices = f"  - id: a\n{MODBUS}    {first}\n  - id: b\n{MODBUS}    {second}\n"
    config, mistakes = examine(write(f"{wires}devices:\n{devices}{third}"))
    assert [mistake.line for mistake in mistakes] == ([line] if line else [])
    assert (config is None) == bool(line)
    assert all("device 'a' answers to the same unit" in mistake.problem for mistake in mistakes)


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        ("address: 2", "address: 2", 14),
        ("address: 1", "address: 2", 0),
        ("every: 5s", "unit: 2", 0),
    ],
)
def test_receivers_on_a_wire_have_two_addresses(
    write: Write, first: str, second: str, line: int
) -> None:
    receiver = "    driver: serial_line\n    wire: bus\n    profile: deying-m77r\n"
    entry = f"{receiver}    detectors: [1]\n"
    second_entry = entry if "address" in second else MODBUS
    text = f"wires: {{bus: {{port: /dev/x}}}}\ndevices:\n  - id: a\n{entry}    {first}\n"
    _, mistakes = examine(write(f"{text}  - id: b\n{second_entry}    {second}\n"))
    told = [
        (mistake.line, "device 'a' has the same address" in mistake.problem) for mistake in mistakes
    ]
    assert told == ([(line, True)] if line else [])


def test_one_client_id_at_one_broker_is_refused(complaints: Complaints) -> None:
    text = """\
uplinks:
  - {id: a, brokers: [mqtts://x, mqtts://y], client_id: gate}
  - {id: b, brokers: [mqtts://y], client_id: gate}
  - {id: c, brokers: [mqtts://z], client_id: gate}
"""
    assert complaints(text) == [
        (
            "3: uplinks[1].client_id: uplink 'a' uses this client id at the same broker; give each "
            "its own"
        )
    ]


class Lax(BaseModel):
    """A foreign driver's settings that would swallow unknown keys."""

    colour: str = "red"


class Strange(Strict):
    pause: Seconds = 1.0
    mode: int | float = 1

    @field_validator("mode")
    @classmethod
    def _profile(cls, value: float) -> float:
        if value == 13:
            raise Misconfigured("{mode} brings bad luck", hint="write another `mode:`", mode=value)
        return value


def _never(device: Device, host: Host) -> PolledDriver:
    raise AssertionError("loading a configuration makes no driver")


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers of somebody else's package."""
    known = {
        "lax": DriverSpec("lax", "swallows", Lax, _never),
        "strange": DriverSpec("strange", "complains", Strange, _never),
    }
    original = registry.driver_named
    monkeypatch.setattr(
        "agent.config.options.driver_named", lambda name: known.get(name) or original(name)
    )


@pytest.mark.usefixtures("foreign")
def test_no_drivers_settings_swallow_an_unknown_key(complaints: Complaints) -> None:
    assert complaints("devices:\n  - {id: a, driver: lax, colour: blue, color: blue}\n") == [
        "2: devices[0].color: is not a setting; did you mean 'colour'?"
    ]


@pytest.mark.usefixtures("foreign")
def test_a_drivers_own_complaint_lands_on_its_line(complaints: Complaints) -> None:
    text = "devices:\n  - id: a\n    driver: strange\n    mode: 13\n    pause: 5\n"
    assert complaints(text) == [
        "2: devices[0]: 13 brings bad luck; write another `mode:`",
    ]
    assert complaints(text.replace("13", "[1]")) == [
        (
            "4: devices[0].mode: write a whole number, without quotes and unit / "
            "write a number, without unit"
        ),
        "5: devices[0].pause: write a duration with its unit, like 5s or 500ms",
    ]


@pytest.mark.usefixtures("foreign")
def test_a_probe_is_asked_about_valid_devices_and_its_answer_is_placed(write: Write) -> None:
    asked: list[str] = []

    def probe(spec: DriverSpec, device: Device) -> None:
        asked.append(device.id)
        if device.id == "b":
            raise Misconfigured("no colour is called '{name}'", name=device.options["colour"])
        if device.id == "c":
            raise Misconfigured("no", hint="correct `every:`")
        if device.id == "d":
            raise Misconfigured("is '{what}' it?", hint="or not", what="this")

    text = """\
devices:
  - {id: a, driver: lax}
  - id: b
    driver: lax
    colour: bleu
  - id: c
    driver: lax
    every: 5s
  - {id: d, driver: lax}
  - {id: e, driver: lax, colour: [1]}
"""
    checked: Probe = probe
    _, mistakes = examine(write(text), checked)
    assert asked == ["a", "b", "c", "d"]
    assert [(mistake.line, mistake.path, mistake.problem) for mistake in mistakes] == [
        (5, "devices[1].colour", "no colour is called 'bleu'"),
        (8, "devices[2].every", "no; correct `every:`"),
        (9, "devices[3]", "is 'this' it? or not"),
        (10, "devices[4].colour", "write one text here, not a list or settings below it"),
    ]


def test_the_language_of_the_process_is_the_language_of_the_mistakes(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.i18n import use

    chinese = {"is not a setting; did you mean '{close}'?": "没有这个设置；是不是“{close}”？"}
    monkeypatch.setattr("agent.i18n.catalogue", lambda: chinese)
    use("zh")
    try:
        (mistake,) = examine(write("gateway: {nam: x}\n"))[1]
    finally:
        use("en")
    assert mistake.problem == "没有这个设置；是不是“name”？"
