"""Lines for the settings are added without touching any other, or not at all."""

from pathlib import Path

import pytest

from agent.cli.addressing_yaml import add_device, entry, set_value
from agent.config.load import load
from agent.contract import Misconfigured

HEAD = "gateway: {id: gw}\nwires: {bus: {port: /dev/ttyUSB9}}\n"
NEW = entry("bed-11", "modbus", "bus", {"profile": "xy-md02", "unit": 11})


@pytest.fixture
def main(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"include: [devices/*.yaml]\n{HEAD}")
    (tmp_path / "devices").mkdir()
    return file


@pytest.mark.parametrize(
    "before",
    [
        "devices:\n- {id: a, driver: simulated}  # flow\n",
        "devices:\n- id: a\n  driver: simulated\n  # the last line says why\n",
        "devices:\n    - id: a\n      driver: simulated",
        "# nothing yet\nwires: {other: {port: /dev/ttyUSB8}}\n",
        "devices:\n  - {id: a, driver: simulated}\n\nwires:\n  other: {port: /dev/ttyUSB8}\n",
        "wires:\n  # 备用\n  o: {port: /dev/ttyUSB8}\ndevices:\n  - {id: a, driver: simulated}\n\n",
    ],
)
def test_a_device_is_added_behind_the_last(main: Path, before: str) -> None:
    file = main.parent / "devices" / "new.yaml"
    file.write_text(before)
    add_device(file, main, NEW)
    assert [d.id for d in load(main).devices][-1] == "bed-11"
    after = file.read_text()
    kept = [line for line in after.splitlines() if line in before.splitlines()]
    assert kept == [line for line in before.splitlines() if line in after.splitlines()]
    assert len(kept) == len(before.splitlines())
    assert file.with_name("new.yaml.bak").read_text() == before


def test_a_file_that_is_not_there_is_made(main: Path) -> None:
    add_device(main.parent / "devices" / "new.yaml", main, NEW)
    (device,) = load(main).devices
    assert (device.id, device.wire, device.options["unit"]) == ("bed-11", "bus", 11)


def test_what_would_not_be_sound_changes_nothing(main: Path) -> None:
    file = main.parent / "devices" / "new.yaml"
    add_device(file, main, NEW)
    before = file.read_text()
    with pytest.raises(Misconfigured, match="bed-11"):
        add_device(file, main, NEW)
    assert file.read_text() == before


def test_a_file_that_is_not_included_is_refused(main: Path) -> None:
    file = main.parent / "elsewhere.yaml"
    with pytest.raises(Misconfigured, match="does not include"):
        add_device(file, main, NEW)
    assert not file.exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- {id: a, driver: simulated}\n", '- {id: a, place: "棚 3", driver: simulated}\n'),
        (
            "- id: a  # probe\n  driver: simulated\n",
            '- id: a  # probe\n  place: "棚 3"\n  driver: simulated\n',
        ),
        (
            "- driver: simulated\n  place: there  # since May\n  id: a\n",
            '- driver: simulated\n  place: "棚 3"  # since May\n  id: a\n',
        ),
    ],
)
def test_a_setting_of_a_device_is_written_where_the_device_is(
    main: Path, before: str, after: str
) -> None:
    file = main.parent / "devices" / "new.yaml"
    file.write_text(f"# ours\ndevices:\n{before}- {{id: b, driver: simulated}}\n")
    assert set_value(main, "a", "place", "棚 3") == file
    assert file.read_text() == f"# ours\ndevices:\n{after}- {{id: b, driver: simulated}}\n"
    assert [device.place for device in load(main).devices] == ["棚 3", ""]


def test_a_device_that_is_nowhere_is_told(main: Path) -> None:
    with pytest.raises(Misconfigured, match="has no device 'a'"):
        set_value(main, "a", "place", "there")
