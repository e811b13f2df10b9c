"""`fieldgate read` of a Bluetooth device, and the whole service with one."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.config.load import load
from agent.contract import LinkLost
from agent.control.client import ask_once
from agent.oneshot import sample
from drivers.ble import payloads
from drivers.ble.packet import uuid
from tests.support_bluez import Bluez

A = "A4:C1:38:8D:18:B2"


def configuration(folder: Path) -> Path:
    file = folder / "gateway.yaml"
    file.write_text(
        f"gateway: {{id: g}}\nstore: {{path: {folder}/store}}\nmetrics: {{listen: null}}\n"
        f"control: {{socket: {folder}/control.sock}}\ndevices:\n"
        f'  - {{id: bed, driver: ble, address: "{A}", family: bthome, points: [soil_moisture]}}\n'
    )
    return file


async def advertise(bluez: Bluez) -> None:
    count = 0
    while True:
        count += 1
        bluez.advertise(bluez.device(A), {uuid("fcd2"): payloads.bthome({"moisture": 30}, count)})
        await asyncio.sleep(0.05)


@pytest.fixture
async def air(bluez: Bluez) -> Any:
    task = asyncio.create_task(advertise(bluez))
    yield bluez
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_device_is_read_without_the_service(air: Any, tmp_path: Path) -> None:
    told = await sample(load(configuration(tmp_path)), "bed")
    assert told["readings"][0]["value"] == 30
    assert air.scans == 0, "the radio is let go"


async def test_the_service_hears_it_and_stops_in_order(
    air: Any, tmp_path: Path, until: Any
) -> None:
    agent = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent", "run", "--config", str(configuration(tmp_path)),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    socket = tmp_path / "control.sock"
    board: dict[str, Any] = {}
    async with asyncio.timeout(20):
        while board.get("devices", {}).get("bed", {}).get("state") != "ok":
            await asyncio.sleep(0.1)
            with contextlib.suppress(LinkLost):
                board = await asyncio.to_thread(ask_once, socket, {"do": "status"})
    assert board["devices"]["bed"]["values"] > 0
    assert air.scans == 1
    agent.send_signal(signal.SIGTERM)
    _, told = await agent.communicate()
    assert agent.returncode == 0, told.decode()
    assert b"Traceback" not in told
    await until(lambda: air.scans == 0)
