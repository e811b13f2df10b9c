"""`fieldgate scan serial`: which ports there are, who holds them, what talks on them."""

import asyncio
import json
import os
import pty
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli import scanning_serial
from agent.cli.main import main
from agent.contract import Line
from agent.wires.stage import PtyStage

UPLINK = b"UP,0004A30B001A2B3C,1,01,-97,7.5\n"  # a parking detector, as a network server tells it


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")


async def command(*words: str | Path) -> int:
    return await asyncio.to_thread(main, ["scan", *map(str, words)])


async def test_ports_are_listed_with_who_holds_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"f = open({name!r}); print(flush=True); input()",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    await holder.stdout.readline()
    words = ("serial", "--port", name, "--socket", tmp_path / "none")
    try:
        assert await command(*words, "--json") == 0
        assert await command(*words) == 0
    finally:
        await holder.communicate(b"\n")
        os.close(ours)
        os.close(theirs)
    as_json, *text = capsys.readouterr().out.splitlines()
    (who,) = json.loads(as_json)["holders"]
    assert f"({holder.pid})" in who
    assert any(f"({holder.pid})" in line for line in text)


async def test_what_speaks_on_a_free_port_is_recognised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detectors = Detectors(UPLINK)
    async with PtyStage(tmp_path / "port", [detectors], lines={detectors: Line()}):
        words = ("serial", "--port", tmp_path / "port", "--listen", "3")
        assert await command(*words, "--socket", tmp_path / "none", "--json") == 0
    (heard,) = json.loads(capsys.readouterr().out)["finds"]
    assert "bosch-tps110" in [match["profile"] for match in heard["matches"][: heard["tied"]]]
    assert heard["remarks"][0]["code"] == "speaks"
    assert heard["line"]["baud"] == 9600


async def test_noise_on_a_port_is_told_as_noise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with PtyStage(tmp_path / "port", [Detectors(b"\x91\x07\xfe")]):
        words = ("serial", "--port", tmp_path / "port", "--listen", "1")
        assert await command(*words, "--socket", tmp_path / "none") == 0
    assert "bytes were heard that no profile understands" in capsys.readouterr().out


class Detectors:
    def __init__(self, said: bytes) -> None:
        self._said = said

    def hear(self, data: bytes) -> Any:
        return []

    def speak(self) -> Any:
        return [self._said], 0.1


async def test_a_port_that_is_missing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command("serial", "--port", tmp_path / "none") == 0
    assert "is not there" in capsys.readouterr().out


def test_the_adapter_is_named_by_what_usb_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb = tmp_path / "sys" / "devices" / "usb1" / "1-1"
    tty = usb / "1-1:1.0" / "ttyUSB0"
    tty.mkdir(parents=True)
    names = {"idVendor": "1a86", "idProduct": "7523", "product": "USB Serial", "serial": "A9"}
    for name, text in names.items():
        (usb / name).write_text(text + "\n")
    (tmp_path / "drivers" / "ch341").mkdir(parents=True)
    (tty / "driver").symlink_to(tmp_path / "drivers" / "ch341")
    shown = tmp_path / "sys" / "class" / "tty" / "ttyUSB0"
    shown.mkdir(parents=True)
    (shown / "device").symlink_to(tty)
    by_id = tmp_path / "dev" / "serial" / "by-id"
    by_id.mkdir(parents=True)
    (tmp_path / "dev" / "ttyUSB0").touch()
    (by_id / "usb-1a86-if00").symlink_to(tmp_path / "dev" / "ttyUSB0")
    monkeypatch.setattr(scanning_serial, "SYS", tmp_path / "sys")
    monkeypatch.setattr(scanning_serial, "DEV", tmp_path / "dev")
    (found,) = scanning_serial.found(None, {str(tmp_path / "dev" / "ttyUSB0"): "field"})
    assert found.usb["id"] == "1a86:7523"
    assert found.usb["product"] == "USB Serial"
    assert found.names == (str(by_id / "usb-1a86-if00"),)
    assert (found.wire, found.free) == ("field", False)
    text = scanning_serial.sheet(found)
    assert "1a86:7523" in text
    assert "wire field of the running service" in text


def test_what_is_in_the_way_is_told_with_what_to_do() -> None:
    denied = scanning_serial.Port("/dev/null", trouble="denied")
    assert "sudo usermod -aG" in scanning_serial.sheet(denied)
    busy = scanning_serial.Port("/dev/null", trouble="busy")
    assert "sudo fieldgate scan serial" in scanning_serial.sheet(busy)
    assert not denied.free
    assert not busy.free


async def test_a_port_that_is_locked_is_not_listened_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with PtyStage(tmp_path / "port", []):
        from serial import Serial

        with Serial(str(tmp_path / "port"), exclusive=True):
            words = ("serial", "--port", tmp_path / "port", "--socket", tmp_path / "none")
            assert await command(*words, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["finds"] == []
    assert shown["trouble"] == "busy"
