"""A site's own profile is judged with file and line, like the configuration."""

from pathlib import Path

import pytest

from agent.config.profiles import profile_mistakes
from agent.paths import share
from agent.registry import driver_named

GOOD = """\
title: Acme TX2
family: air
source: [Acme TX2 manual rev 3.1, table 7]
confidence: medium
points:
  air_temperature: {table: input, address: 1, type: int16, scale: 0.1, unit: Cel}
"""


def _mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> list[str]:
    file = tmp_path / "configs" / "profiles" / "modbus" / "acme-tx2.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("FIELDGATE_SHARE", str(tmp_path))
    found = [str(m) for m in profile_mistakes(driver_named("modbus"), "acme-tx2")]
    return [line.replace(str(file), "acme-tx2.yaml") for line in found]


def test_a_sound_profile_has_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _mistakes(tmp_path, monkeypatch, GOOD) == []


def test_a_misspelt_key_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD.replace("scale: 0.1", "sacle: 0.1")
    (line,) = _mistakes(tmp_path, monkeypatch, text)
    assert line.startswith("acme-tx2.yaml:6: points.air_temperature.sacle: is not a setting")
    assert "'scale'" in line


def test_a_number_without_a_source_is_a_rumour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD.replace("source: [Acme TX2 manual rev 3.1, table 7]\n", "")
    (line,) = _mistakes(tmp_path, monkeypatch, text)
    assert "source" in line


@pytest.mark.parametrize(
    "file",
    sorted((share() / "configs" / "profiles" / "modbus").glob("*.yaml")),
    ids=lambda file: file.stem,
)
def test_every_shipped_profile_is_sound_by_this_door_too(file: Path) -> None:
    assert [str(m) for m in profile_mistakes(driver_named("modbus"), file.stem)] == []


def test_one_source_and_one_fault_value_need_no_brackets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """\
title: Acme TX2 temperature and humidity transmitter
source: Acme TX2 manual rev 3.1, table 7
line: {baud: 4800, parity: none, unit: 1}
points:
  temperature: {table: input, address: 0, type: int16, scale: 0.1, unit: Cel, fault: 0x8000}
"""
    assert _mistakes(tmp_path, monkeypatch, text) == []
