"""`fieldgate status` asks the service and tells."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.control.peer import Peer
from agent.control.server import Answers, serve
from agent.status import Board


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")


@pytest.fixture
def board() -> Board:
    board = Board(gateway="gw-1", version="1.2.3", started=time.time() - 60, clock_trusted=True)
    board.device("soil-1").state = "ok"
    return board


@asynccontextmanager
async def service(socket: Path, board: Board) -> AsyncIterator[None]:
    async def status(request: Mapping[str, Any], peer: Peer) -> Answers:
        yield board.snapshot()

    async with serve(socket, {"status": status}):
        yield


async def command(*words: str) -> int:
    return await asyncio.to_thread(main, ["status", *words])


async def test_it_prints_the_board(
    board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = tmp_path / "s"
    async with service(socket, board):
        assert await command("--socket", str(socket)) == 0
    out = capsys.readouterr().out
    assert "gateway gw-1" in out
    assert "all is well" in out


async def test_it_prints_json_for_machines(
    board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = tmp_path / "s"
    async with service(socket, board):
        assert await command("--json", "--socket", str(socket)) == 0
    assert json.loads(capsys.readouterr().out) == board.snapshot()


async def test_check_finds_what_is_wrong(
    board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = tmp_path / "s"
    async with service(socket, board):
        assert await command("--check", "--socket", str(socket)) == 0
        board.device("soil-1").state = "down"
        assert await command("--check", "--socket", str(socket)) == 1
        assert await command("--socket", str(socket)) == 0
    assert "! device soil-1" in capsys.readouterr().out


async def test_without_a_service_it_says_where_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command("--socket", str(tmp_path / "none")) == 75
    said = capsys.readouterr().err
    assert "no fieldgate service answers" in said
    assert "next: systemctl status fieldgate" in said
