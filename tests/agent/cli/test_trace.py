"""`fieldgate trace` shows each reading on its way."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.cli.trace import line
from agent.contract import Misconfigured
from agent.control.peer import Peer
from agent.control.server import Answers, serve

STEP = {
    "stage": "collect", "device": "soil-1", "point": "soil_moisture", "value": 21.4, "unit": "%",
    "quality": "uncertain", "reason": "range", "t": 1_800_000_000.25,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")


async def trace(request: Mapping[str, Any], peer: Peer) -> Answers:
    if request["device"] != "soil-1":
        raise Misconfigured("no device is called '{name}'", name=request["device"])
    yield STEP
    yield {**STEP, "stage": "buffer", "seq": 17}


async def command(socket: Path, *words: str) -> int:
    async with serve(socket, {"trace": trace}):
        return await asyncio.to_thread(main, ["trace", "--socket", str(socket), *words])


async def test_a_line_per_stage_until_the_service_stops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command(tmp_path / "s", "soil-1") == 75
    out, err = capsys.readouterr()
    first, second = out.splitlines()
    assert "collect" in first
    assert "soil_moisture" in first
    assert first.endswith("uncertain: range")
    assert second.endswith("#17")
    assert "the service stopped" in err


async def test_json_is_passed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await command(tmp_path / "s", "--json", "soil-1")
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == STEP


async def test_an_unknown_device_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command(tmp_path / "s", "soil-9") == 78
    assert "no device is called 'soil-9'" in capsys.readouterr().err


def test_columns_stand_under_each_other() -> None:
    other = line({**STEP, "stage": "buffer", "point": "air", "value": 3, "unit": "1"})
    assert line(STEP).index("uncertain") == other.index("uncertain")
