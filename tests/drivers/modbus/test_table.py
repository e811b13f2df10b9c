"""docs/devices.md is what the profiles say."""

from pathlib import Path

from drivers.modbus.profile import Factory, Profile
from drivers.modbus.table import line, load_all, page

ROOT = Path(__file__).parents[3]


def test_the_list_of_devices_is_current() -> None:
    written = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    made = page(load_all(ROOT / "configs" / "profiles" / "modbus"))
    again = "python -m drivers.modbus.table configs/profiles/modbus > docs/devices.md"
    assert written == made, f"write it again with: {again}"


def test_a_line_reads_as_people_say_it() -> None:
    assert line(Factory()) == "9600 8N1, unit 1"
    assert line(Factory(baud=19200, parity="even", stop_bits=2, unit=240)) == "19200 8E2, unit 240"


def test_uncertain_and_writable_points_are_told_apart() -> None:
    profile = Profile.model_validate(
        {
            "title": "A | B",
            "title_zh": "甲",
            "family": "relay",
            "source": ["A manual, table 1"],
            "confidence": "medium",
            "points": {
                "relay_state": {
                    "table": "coil", "address": 0, "unit": "1", "write": {"function": 5},
                },
                "soil_nitrogen": {
                    "table": "holding", "address": 0, "type": "uint16", "unit": "mg/kg",
                    "quality": "uncertain",
                },
            },
        }
    )  # fmt: skip
    row = page({"a-b": profile}).splitlines()[-1]
    assert row == (
        "| `a-b` | A \\| B<br>甲 | 9600 8N1, unit 1 | relay_state (w), *soil_nitrogen* "
        "| medium | A manual, table 1 |"
    )
