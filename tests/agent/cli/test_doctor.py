"""`fieldgate doctor bus`: what a technician sees, and what a program gets."""

import asyncio
import contextlib
import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.cli.main import main
from agent.config.load import load
from agent.contract import Line
from agent.simulate.stages import staged
from agent.wires.faults import Faults
from benchmarks._doctor_cases import Case

COMMAND = [sys.executable, "-m", "agent", "doctor", "bus", "field"]
CO2 = "  - {id: co2, driver: serial_line, profile: winsen-mh-z19, wire: field, timeout: 300ms}\n"
UNPRIVILEGED = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
)  # else root may open every port


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return written(tmp_path, tmp_path / "bus")


def written(folder: Path, port: Path) -> Path:
    file = folder / "gateway.yaml"
    file.write_text(
        f"gateway: {{id: gw}}\nstore: {{path: {folder / 'store'}}}\n"
        f"control: {{socket: {folder / 's'}}}\nmetrics: {{listen: null}}\n"
        f"wires: {{field: {{port: {port}, baud: 19200}}, empty: {{port: /dev/null}}}}\n"
        "devices:\n"
        "  - {id: soil-1, driver: modbus, profile: renke-soil-th, wire: field, unit: 3,\n"
        "     every: 500ms, timeout: 200ms}\n"
    )
    return file


@contextlib.asynccontextmanager
async def wire(config: Path) -> AsyncIterator[Faults]:
    async with staged(load(config)) as stages:
        yield stages["field"].faults


async def told(*words: str | Path, before: Sequence[str] = ()) -> tuple[int, str]:
    """(exit code, what it printed); the other end of the wire lives in this event loop."""
    process = await asyncio.create_subprocess_exec(
        *before, *COMMAND, *map(str, words), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode() + err.decode()


async def found(*words: str | Path, before: Sequence[str] = ()) -> tuple[int, dict[str, Any]]:
    code, text = await told(*words, "--json", "--listen", "0.3", before=before)
    return code, json.loads(text.splitlines()[0])


def test_without_a_word_it_tells_what_it_can_examine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert "bus NAME" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["elsewhere", "empty"])
def test_a_wire_that_is_not_in_the_settings_or_has_no_device(name: str, config: Path) -> None:
    assert main(["doctor", "bus", name, "--config", str(config)]) == 78


async def test_a_wire_that_is_well(config: Path, tmp_path: Path) -> None:
    async with wire(config):
        code, text = await told("--config", config, "--listen", "0.3", "--capture", tmp_path / "c")
    assert code == 0
    assert "this wire is well" in text
    assert "unit 3 answers function 3" in (tmp_path / "c.txt").read_text()
    assert (tmp_path / "c.pcap").stat().st_size > 24


async def test_a_port_that_is_not_there(config: Path) -> None:
    code, answer = await found("--config", config)
    assert code == 1
    assert [cause["cause"] for cause in answer["causes"]] == ["port_missing"]


async def test_another_speed_is_found_and_named(config: Path, tmp_path: Path) -> None:
    device = next(device for device in load(config).devices if device.id == "soil-1")
    async with Case(Random(1), Line(4800), [device]).stage(tmp_path / "bus"):
        code, answer = await found("--config", config)
    assert code == 1
    assert answer["causes"][0]["cause"] == "line_settings"
    assert answer["elsewhere"] == {"soil-1": "4800 none"}
    assert "4800 8N1" in answer["causes"][0]["what"]


async def test_a_device_on_the_network(config: Path) -> None:
    text = config.read_text().replace(f"port: {config.parent / 'bus'}, baud: 19200", "connect: TCP")
    config.write_text(text.replace("TCP", f"127.0.0.1:{free_port()}"))
    code, answer = await found("--config", config)
    assert (code, answer["causes"][0]["cause"]) == (1, "peer")
    async with staged(load(config)):
        code, answer = await found("--config", config)
    assert (code, answer["well"]) == (0, True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_wire_with_frames_that_are_not_modbus(config: Path) -> None:
    text = config.read_text()
    config.write_text(text[: text.index("  - {id: soil-1")] + CO2)
    async with wire(config) as faults:
        code, answer = await found("--config", config)
        assert (code, answer["well"]) == (0, True)
        faults.noise = 2
        code, answer = await found("--config", config)
        assert (code, answer["causes"][0]["cause"]) == (1, "bias")
        faults.noise, faults.delay = 0, 0.7
        code, answer = await found("--config", config)
        assert (code, answer["causes"][0]["cause"]) == (1, "late")


async def test_a_port_that_this_user_may_not_open(config: Path, tmp_path: Path) -> None:
    async with wire(config):
        (tmp_path / "bus").resolve().chmod(0)
        code, answer = await found("--config", config, before=UNPRIVILEGED)
    assert code == 1
    assert [cause["cause"] for cause in answer["causes"]] == ["port_denied"]


@pytest.fixture
async def service(config: Path) -> AsyncIterator[Path]:
    """The socket of a running service."""
    async with wire(config):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", "run", "--config", str(config),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        control = config.parent / "s"
        async with asyncio.timeout(30):
            while not control.exists():
                await asyncio.sleep(0.05)
        yield control
        process.terminate()
        await process.wait()


async def test_a_wire_of_the_service_is_shared_and_keeps_its_speed(
    service: Path, config: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed.yaml"
    changed.write_text(config.read_text().replace("unit: 3", "unit: 9"))
    code, answer = await found("--config", changed, "--socket", service)
    assert code == 1
    assert answer["shared"]
    assert answer["causes"][0]["cause"] == "no_answer"
    assert answer["tried"] == 0
    code, answer = await found("--config", config, "--socket", service)
    assert (code, answer["well"]) == (0, True)


@pytest.mark.timeout(150)
async def test_at_a_terminal_it_measures_again_after_a_step(config: Path) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    async with wire(config) as faults:
        faults.dead = True
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "--config", str(config), "--listen", "0.3",
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        screen = await until(ours, "then press Enter")
        assert "no power, a broken wire" in screen
        os.write(ours, b"\n")
        screen = await until(ours, "then press Enter")
        assert "no change; less likely now: soil-1: no power" in screen
        faults.dead = False
        os.write(ours, b"\n")
        screen = await until(ours, "this wire is well")
        assert "all is well now; it was: soil-1" in screen
        assert await process.wait() == 0
    os.close(theirs)
    os.close(ours)


async def until(terminal: int, text: str) -> str:
    screen = ""
    async with asyncio.timeout(60):
        while text not in screen:
            with contextlib.suppress(BlockingIOError):
                screen += os.read(terminal, 4096).decode()
            await asyncio.sleep(0.02)
    return screen
