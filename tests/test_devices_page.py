"""docs/devices.md is what the profiles of all drivers say."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_devices", ROOT / "docs" / "make_devices.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    __import__("sys").modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_list_of_devices_is_current(maker: Any) -> None:
    written = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    assert written == maker.made(), "write it again with: make devices"


def test_every_profile_of_every_driver_is_on_it(maker: Any) -> None:
    written = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    files = sorted((ROOT / "configs" / "profiles").glob("*/*.yaml"))
    assert len(files) > 70
    missing = [f for f in files if f"| `{f.parent.name}/{f.stem}` |" not in written]
    assert missing == []


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({}, "9600 8N1, unit 1"),
        ({"line": {"baud": 19200, "parity": "even", "stop_bits": 2, "unit": 240}},
         "19200 8E2, unit 240"),
        ({"messages": {}, "line": {"baud": 2400, "parity": "even"}, "polls": {"a": {}}},
         "2400 8E1, polled"),
        ({"messages": {}, "listens": {"a": {}}}, "9600 8N1, unasked"),
        ({"messages": {}, "writes": {"a": {}}}, "9600 8N1, written"),
        ({"frames": {}}, "advertises"),
        ({"frames": {}, "steps": []}, "connected"),
    ],
)  # fmt: skip
def test_a_line_reads_as_people_say_it(told: dict[str, Any], line: str, maker: Any) -> None:
    assert maker.line(told) == line


def test_uncertain_and_writable_points_are_told_apart(maker: Any) -> None:
    told = {
        "title": "A | B", "title_zh": "甲", "family": "relay", "confidence": "medium",
        "source": ["A manual, table 1"],
        "points": {"relay_state": {"write": {"function": 5}}, "npk": {"quality": "uncertain"}},
    }  # fmt: skip
    made = maker.page([maker.Known("modbus/a-b", told)], {})
    row = "| `modbus/a-b` | A \\| B<br>甲 | 9600 8N1, unit 1 | relay_state (w), *npk* | medium |"
    assert row in made
    assert "## Relays" in made


def test_a_family_that_nobody_thought_of_has_a_heading(maker: Any) -> None:
    told = {"title": "T", "source": "s", "family": "fish", "confidence": "high", "points": {}}
    assert "## Fish" in maker.page([maker.Known("acme/t", told)], {})
