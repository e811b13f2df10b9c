"""docs/devices-serial-line.md is what the profiles say."""

from pathlib import Path

from drivers.serial_line.table import line, load_all, page, way

ROOT = Path(__file__).parents[3]
PROFILES = ROOT / "configs" / "profiles" / "serial_line"


def test_the_list_of_devices_is_current() -> None:
    written = (ROOT / "docs" / "devices-serial-line.md").read_text(encoding="utf-8")
    again = (
        "python -m drivers.serial_line.table configs/profiles/serial_line "
        "> docs/devices-serial-line.md"
    )
    assert written == page(load_all(PROFILES)), f"write it again with: {again}"


def test_lines_and_ways_read_as_people_say_them() -> None:
    profiles = load_all(PROFILES)
    assert line(profiles["cjt188-water-1f90"]) == "2400 8E1"
    ways = {"wvds-nbiot": "unasked", "dooya-curtain": "polled", "xunpeng-space-sign": "written"}
    assert {name: way(profiles[name]) for name in ways} == ways


def test_uncertain_and_writable_points_are_told_apart() -> None:
    text = page(load_all(PROFILES))
    assert "co2, *air_temperature*" in text
    assert "curtain_position (w), curtain_command (w)" in text
