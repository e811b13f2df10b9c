"""`fieldgate read`: through the service where one runs, else straight from the wire."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.config.load import load
from agent.contract import LinkLost
from agent.control.client import SOCKET
from agent.control.peer import Peer
from agent.control.server import Answers, Handler, serve
from agent.simulate.stages import staged

BAD = {
    "device": "soil-1", "point": "soil_ph", "value": None, "unit": "1", "quality": "bad",
    "reason": "timeout", "t": 1_800_000_000.0,
}  # fmt: skip
GOOD = {
    **BAD,
    "point": "soil_moisture",
    "value": 21.4,
    "unit": "%",
    "quality": "good",
    "reason": "",
}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.yaml"
    file.write_text(
        f"control: {{socket: {tmp_path / 's'}}}\n"
        f"wires: {{bus: {{port: {tmp_path / 'bus'}, baud: 9600}}}}\n"
        "devices:\n"
        "  - {id: soil-1, driver: modbus, profile: renke-soil-7in1, wire: bus}\n"
        "  - {id: made-up, driver: simulated}\n"
    )
    return file


def answering(*lines: Mapping[str, Any]) -> dict[str, Handler]:
    async def read(request: Mapping[str, Any], peer: Peer) -> Answers:
        if not lines:
            raise LinkLost("no answer from {who}", hint="check the cable", who=request["device"])
        yield {"readings": list(lines), "raw": {"soil_moisture": "00d6"}}

    return {"read": read}


async def command(*words: str | Path) -> int:
    return await asyncio.to_thread(main, ["read", *map(str, words)])


async def test_the_running_service_is_asked_first(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve(tmp_path / "s", answering(GOOD, BAD)):
        assert await command("soil-1", "--config", config) == 0
    head, good, bad = capsys.readouterr().out.splitlines()
    assert head.split() == ["POINT", "value", "quality", "raw"]
    assert good.split() == ["soil_moisture", "21.4", "%", "good", "00d6"]
    assert bad.split() == ["soil_ph", "-", "bad:", "timeout"]


async def test_a_device_that_is_silent_is_worth_another_try(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve(tmp_path / "s", answering()):
        assert await command("soil-1", "--socket", tmp_path / "s") == 75
    assert "next: check the cable" in capsys.readouterr().err
    async with serve(tmp_path / "s", answering(BAD)):
        assert await command("soil-1", "--socket", tmp_path / "s") == 75


async def test_without_a_service_the_wire_is_opened(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(load(config), paced=False):
        assert await command("soil-1", "--config", config, "--json") == 0
    sample = json.loads(capsys.readouterr().out)
    points = {line["point"] for line in sample["readings"]}
    assert "soil_moisture" in points
    assert "bad" not in {line["quality"] for line in sample["readings"]}
    assert set(sample["raw"]) == points
    assert all(int(words.replace(" ", ""), 16) >= 0 for words in sample["raw"].values())


async def test_a_device_without_a_wire_needs_none(config: Path) -> None:
    assert await command("made-up", "--config", config) == 0


async def test_a_port_that_is_not_there_is_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command("soil-1", "--config", config) == 75
    assert "next: " in capsys.readouterr().err


async def test_an_unknown_device_is_answered_with_the_known_ones(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command("soil-7", "--config", config) == 78
    assert "made-up, soil-1" in capsys.readouterr().err


def test_the_socket_is_where_the_settings_have_it() -> None:
    from agent.config.schema import Control

    assert Control().socket == SOCKET


async def test_any_registers_can_be_read_and_in_several_ways(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(load(config), paced=False):
        words = ("soil-1", "--config", config, "--raw", "holding:0x07D0:2")
        assert await command(*words, "--json") == 0
        (unit_id, baud) = json.loads(capsys.readouterr().out)
        assert await command(*words) == 0
    assert (unit_id["name"], unit_id["hex"], unit_id["uint16"]) == ("holding 2000", "0001", 1)
    assert unit_id["uint32"] == 1 << 16
    assert "uint32" not in baud
    head, first, _ = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "REGISTER"
    assert first.split()[:3] == ["holding", "2000", "0001"]


async def test_registers_that_the_device_has_not_are_told(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with staged(load(config), paced=False):
        assert await command("soil-1", "--config", config, "--raw", "holding:4000:2") == 75
    assert "exception 2" in capsys.readouterr().err
    assert await command("soil-1", "--config", config, "--raw", "0:10") == 78
    assert "holding:0:10" in capsys.readouterr().err
    assert await command("made-up", "--config", config, "--raw", "holding:0:1") == 78
    assert "no registers to read" in capsys.readouterr().err
