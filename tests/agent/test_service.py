"""The service as a process: started, reloaded, stopped, refused."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main as run_command
from agent.contract import GatewayError
from agent.control.client import ask, ask_once
from agent.demo.broker import Broker, find_mosquitto
from agent.demo.cloud import Cloud

BASE = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 50MB, commit: {{every: 100ms}}}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
devices:
  - {{id: a, driver: simulated, every: 100ms}}
"""


@dataclass
class Service:
    folder: Path
    process: asyncio.subprocess.Process
    told: socket.socket  # systemd's end of the notify socket

    @property
    def config(self) -> Path:
        return self.folder / "gateway.yaml"

    async def ask(self, **request: Any) -> dict[str, Any]:
        return await asyncio.to_thread(ask_once, self.folder / "control.sock", request, 5.0)

    def heard(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self.told.recv(4096).decode())
            except BlockingIOError:
                return found

    async def until(self, what: str) -> None:
        """Until systemd has been told so."""
        while not any(what in text for text in self.heard()):
            assert self.process.returncode is None
            await asyncio.sleep(0.05)


Start = Callable[[str], Awaitable[Service]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    services: list[Service] = []

    async def begin(more: str = "") -> Service:
        (tmp_path / "gateway.yaml").write_text(BASE.format(folder=tmp_path) + more)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(str(tmp_path / "notify"))
        told.setblocking(False)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "run", "--config", str(tmp_path / "gateway.yaml")),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        )
        services.append(Service(tmp_path, process, told))
        return services[-1]

    yield begin
    for service in services:
        service.told.close()
        if service.process.returncode is None:
            service.process.kill()
        await service.process.communicate()


async def test_without_any_uplink_readings_are_stored(start: Start) -> None:
    service = await start("")
    await service.until("READY=1")
    while (board := await service.ask(do="status"))["streams"]["telemetry"]["appended"] < 5:
        await asyncio.sleep(0.1)
    assert board["uplinks"] == {}
    assert board["devices"]["a"]["state"] == "ok"


async def test_stops_within_five_seconds_and_says_so(start: Start) -> None:
    service = await start("")
    await service.until("READY=1")
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    await service.process.communicate()
    assert service.process.returncode == 0
    assert any("STOPPING=1" in text for text in service.heard())
    assert time.monotonic() - began < 5


async def test_a_reload_touches_only_what_changed(start: Start) -> None:
    service = await start("  - {id: b, driver: simulated, every: 100ms}\n")
    await service.until("READY=1")
    while (await service.ask(do="status"))["devices"]["a"]["reads"] < 5:
        await asyncio.sleep(0.1)
    text = service.config.read_text()
    service.config.write_text(text.replace("id: b,", "id: c,"))
    service.process.send_signal(signal.SIGHUP)
    await service.until("READY=1")
    board = await service.ask(do="status")
    assert set(board["devices"]) == {"a", "c"}
    assert board["devices"]["a"]["reads"] >= 5
    assert (await service.ask(do="read", device="c"))["readings"][0]["device"] == "c"


async def test_an_unsound_configuration_changes_nothing_at_reload(start: Start) -> None:
    service = await start("")
    await service.until("READY=1")
    service.config.write_text(service.config.read_text().replace("every:", "evry:"))
    service.process.send_signal(signal.SIGHUP)
    await service.until("READY=1")
    assert (await service.ask(do="status"))["devices"]["a"]["state"] == "ok"


async def test_no_half_a_gateway_starts(start: Start) -> None:
    service = await start("  - {id: b, driver: simulatedd}\n")
    _, errors = await service.process.communicate()
    assert service.process.returncode == 78
    assert "gateway.yaml:7: devices[1].driver: no driver is called 'simulatedd'" in errors.decode()
    assert not (service.folder / "store").exists()


async def test_an_unknown_device_is_answered_with_the_known_ones(start: Start) -> None:
    service = await start("")
    await service.until("READY=1")
    with pytest.raises(GatewayError, match="no device is called 'x'") as caught:
        await service.ask(do="read", device="x")
    assert "a" in caught.value.hint


async def test_a_second_service_on_the_same_store_is_refused(start: Start) -> None:
    service = await start("")
    await service.until("READY=1")
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "run", "--config", str(service.config)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await second.communicate()
    assert second.returncode in {75, 78}
    assert "another fieldgate" in errors.decode()


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
async def test_a_reading_is_followed_from_the_wire_to_the_broker(
    start: Start, tmp_path: Path
) -> None:
    broker = Broker(tmp_path)
    await broker.start()
    cloud = Cloud("127.0.0.1", broker.port, "5")
    listening = asyncio.create_task(cloud.run())
    await cloud.listening.wait()
    service = await start(
        f'uplinks:\n  - {{id: cloud, brokers: ["mqtt://127.0.0.1:{broker.port}"],'
        " live_period: 100ms}\n"
    )
    await service.until("READY=1")
    steps = await asyncio.to_thread(_steps, service, {"read", "taken", "stored", "sent"})
    by_stage = {step["stage"]: step for step in steps}
    assert by_stage["stored"]["seq"] > 0
    assert by_stage["sent"]["uplink"] == "cloud"
    assert {step["point"] for step in steps} == {"air_temperature"}
    listening.cancel()
    await broker.kill()


def _steps(service: Service, stages: set[str]) -> list[dict[str, Any]]:
    found = []
    for step in ask(service.folder / "control.sock", {"do": "trace", "device": "a"}, 10.0):
        found.append(step)
        if stages <= {step["stage"] for step in found}:
            return found
    return found


async def test_a_device_can_be_worked_on_without_alarms(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    service = await start("")
    await service.until("READY=1")
    socket = str(service.folder / "control.sock")
    words = ["maintenance", "a", "30m", "--json", "--socket", socket]
    assert await asyncio.to_thread(run_command, words) == 0
    assert json.loads(capsys.readouterr().out)["until"] > time.time() + 1700
    assert (await service.ask(do="status"))["devices"]["a"]["maintenance"] > 0
    readings = (await service.ask(do="read", device="a"))["readings"]
    assert {reading["reason"] for reading in readings} == {"maintenance"}
    assert await asyncio.to_thread(run_command, [*words[:2], "off", *words[3:]]) == 0
    readings = (await service.ask(do="read", device="a"))["readings"]
    assert "maintenance" not in {reading["reason"] for reading in readings}


async def test_a_replaced_device_is_announced_with_its_serial_number(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    service = await start("")
    await service.until("READY=1")
    words = ["replace", "a", "--serial", "B-77", "--socket", str(service.folder / "control.sock")]
    assert await asyncio.to_thread(run_command, words) == 0
    assert "B-77" in capsys.readouterr().out
    assert await asyncio.to_thread(run_command, [*words, "--total", "nothing=1"]) == 78
    assert "no counter 'nothing'" in capsys.readouterr().err
