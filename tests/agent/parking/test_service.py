"""Spaces in the running service: behind a receiver, told unasked, and with a raw field."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.clock import Clock
from agent.config.load import load
from agent.control.client import ask_once
from agent.plan import check_device
from agent.simulate.stages import Stage, staged
from drivers.serial_line.bank import Bank
from drivers.serial_line.simulate import SerialLineSimulator

EUI = "70B3D5AB00001201"
CONFIG = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 50MB, commit: {{every: 100ms}}}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
wires:
  w: {{port: {folder}/port}}
devices:
  - {{id: r1, driver: serial_line, wire: w, profile: deying-m77r, detectors: [1-3], every: 200ms,
     check: xor_swapped, timeout: 300ms, max_late: 100ms}}
  - {{id: street, driver: serial_line, listen: "udp://127.0.0.1:{udp}", profile: bosch-tps110,
     detectors: {{a17: "{eui}"}}}}
  - {{id: m1, driver: simulated, every: 200ms, points: {{
     magnetic_x: {{shape: sine, unit: uT, mean: -2, amplitude: 0.1, period: 1h}},
     magnetic_y: {{shape: sine, unit: uT, mean: 34, amplitude: 0.1, period: 1h}},
     magnetic_z: {{shape: sine, unit: uT, mean: -36, amplitude: 0.1, period: 1h}}}}}}
parking:
  spaces:
    east-1: {{device: r1, detector: 1, name: 东1}}
    east-2: {{device: r1, detector: 2}}
    street-1: {{device: street, detector: a17}}
    raw-1: {{device: m1}}
"""


@dataclass
class Site:
    folder: Path
    udp: int
    stage: Stage
    bank: Bank  # of the receiver

    def hold(self, detector: int, state: str | None) -> None:
        self.bank.set("parking_state", state, str(detector))

    def uplink(self, port: int, payload: str) -> None:
        """What a LoRaWAN network server passes on."""
        line = f"UP,{EUI},{port},{payload},-97,7.5\n"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(line.encode(), ("127.0.0.1", self.udp))

    async def spaces(self) -> dict[str, dict[str, Any]]:
        answer = await asyncio.to_thread(
            ask_once, self.folder / "control.sock", {"do": "spaces"}, 5.0
        )
        return {line["space"]: line for line in answer["spaces"]}

    async def until(self, space: str, state: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while (found := (await self.spaces())[space])["parking_state"] != state:
                await asyncio.sleep(0.05)
        return found

    @asynccontextmanager
    async def service(
        self, leave: signal.Signals = signal.SIGTERM
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        told = self.folder / "notify"
        told.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(told))
            ready.setblocking(False)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agent", "run", "--config", str(self.folder / "gw.yaml")),
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "NOTIFY_SOCKET": str(told)},
            )
            try:
                async with asyncio.timeout(40):
                    while b"READY=1" not in await asyncio.get_running_loop().sock_recv(ready, 4096):
                        pass
                yield process
                process.send_signal(leave)
                await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.communicate()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        udp = int(probe.getsockname()[1])
    file = tmp_path / "gw.yaml"
    file.write_text(CONFIG.format(folder=tmp_path, udp=udp, eui=EUI), encoding="utf-8")
    clock = Clock()
    config = load(file, lambda spec, device: check_device(spec, device, clock))
    wired = replace(config, devices=tuple(device for device in config.devices if device.wire))
    async with staged(wired, paced=False) as stages:
        simulator = stages["w"]._simulators[0]
        assert isinstance(simulator, SerialLineSimulator)
        found = Site(tmp_path, udp, stages["w"], simulator.banks["r1"])
        for detector in (1, 2, 3):
            found.hold(detector, "vacant")
        yield found


async def test_all_kinds_of_detectors_become_one_kind_of_record(site: Site) -> None:
    async with site.service():
        await site.until("east-1", "vacant")
        assert (await site.spaces())["street-1"]["state"] == "unknown"
        site.hold(1, "occupied")
        site.uplink(2, "01" + "15")
        street = await site.until("street-1", "occupied")
        assert street["details"]["device_temperature"] == 21
        assert street["rssi"] == -97
        east = await site.until("east-1", "occupied")
        assert (east["device"], east["detector"], east["name"]) == ("r1", "1", "东1")
        assert (await site.spaces())["east-2"]["state"] == "vacant"
        raw = await site.until("raw-1", "vacant")
        assert (raw["branch"], raw["reason"]) == ("calibrated", "calibrated")
    kept = json.loads((site.folder / "store" / "parking" / "states.json").read_text())
    assert json.loads(kept["east-1"])[0] == "occupied"
    fields = json.loads((site.folder / "store" / "parking" / "fields.json").read_text())
    assert json.loads(fields["raw-1"])["memory"]["empty"][1] == pytest.approx(34, abs=0.2)


async def test_a_lost_detector_and_a_lost_receiver_leave_their_spaces_unknown(site: Site) -> None:
    async with site.service():
        await site.until("east-2", "vacant")
        site.hold(2, "fault")
        assert (await site.until("east-2", "fault"))["state"] == "unknown"
        site.bank.lost.add("1")  # the receiver does not mention it any more
        assert (await site.until("east-1", "unknown"))["reason"] == "missing"
        site.bank.lost.clear()
        site.hold(2, "vacant")
        await site.until("east-1", "vacant")
        await site.until("east-2", "vacant")
        await site.stage.unplug()
        assert (await site.until("east-1", "unknown"))["reason"] in {"no_port", "timeout"}
        await site.stage.plug()
        await site.until("east-1", "vacant")


async def test_after_a_restart_a_state_is_kept_and_after_a_kill_it_is_unknown(site: Site) -> None:
    async with site.service():
        await site.until("east-1", "vacant")
        site.uplink(1, "01")
        await site.until("street-1", "occupied")
    async with site.service(signal.SIGKILL):
        street = (await site.spaces())["street-1"]
        assert (street["state"], street["reason"]) == ("occupied", "kept")
        site.uplink(1, "00")
        await site.until("street-1", "vacant")
    (site.folder / "store" / "parking" / "states.json").write_text("{")
    async with site.service():
        assert (await site.spaces())["street-1"]["state"] == "unknown"
        await site.until("east-1", "vacant")


async def test_a_reload_brings_and_takes_spaces_and_leaves_the_others_alone(site: Site) -> None:
    async with site.service() as process:
        since = (await site.until("east-1", "vacant"))["since"]
        file = site.folder / "gw.yaml"
        text = file.read_text(encoding="utf-8").replace("east-2:", "east-3:")
        file.write_text(text, encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(20):
            while "east-3" not in await site.spaces():
                await asyncio.sleep(0.1)
        await site.until("east-3", "vacant")
        spaces = await site.spaces()
        assert set(spaces) == {"east-1", "east-3", "street-1", "raw-1"}
        assert (spaces["east-1"]["since"], spaces["east-1"]["state"]) == (since, "vacant")


async def test_the_board_counts_and_a_command_lists(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")
    where = str(site.folder / "control.sock")
    async with site.service():
        await site.until("east-1", "vacant")
        await site.until("east-2", "vacant")
        words = ["parking", "status", "--socket", where]
        assert await asyncio.to_thread(main, words) == 0
        line = next(row for row in capsys.readouterr().out.split("\n") if "east-1" in row)
        assert "vacant" in line
        assert "r1/1" in line
        assert await asyncio.to_thread(main, [*words, "--json"]) == 0
        first = json.loads(capsys.readouterr().out.splitlines()[0])
        assert (first["space"], first["state"]) == ("east-1", "vacant")
        await site.until("raw-1", "vacant")
        words = ["parking", "calibrate", "raw-1", "--socket", where]
        assert await asyncio.to_thread(main, words) == 0
        assert "raw-1" in capsys.readouterr().out
        async with asyncio.timeout(20):
            while (found := await site.until("raw-1", "vacant"))["reason"]:
                await asyncio.sleep(0.1)
        assert found["branch"] == "calibrated"
        async with asyncio.timeout(10):
            while True:
                board = await asyncio.to_thread(
                    ask_once, site.folder / "control.sock", {"do": "status"}, 5.0
                )
                if board["spaces"].get("vacant", 0) >= 2:
                    break
                await asyncio.sleep(0.2)
        assert sum(board["spaces"].values()) == 4


async def test_check_tells_what_is_wrong_with_a_space_where_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")
    file = tmp_path / "gw.yaml"
    text = CONFIG.format(folder=tmp_path, udp=5000, eui=EUI)
    file.write_text(
        text.replace("device: r1, detector: 2", "device: r11, detector: 2")
        + "    east-3: {device: r1, detector: 33}\n"
        + "    east-4: {device: r1, detector: 1}\n"
        + "    m1: {device: r1, detector: 3}\n",
        encoding="utf-8",
    )
    assert main(["check", str(file)]) == 78
    said = capsys.readouterr()
    told = (said.out + said.err).replace(str(file), "gw.yaml")
    assert "gw.yaml:19: parking.spaces.east-2.device: no device is called 'r11'" in told
    assert "did you mean 'r1'?" in told
    assert "gw.yaml:22: parking.spaces.east-3.detector: r1 has no detector '33'" in told
    assert "gw.yaml:23: parking.spaces.east-4: space 'east-1' has the same detector" in told
    assert "gw.yaml:24: parking.spaces.m1: 'm1' is the id of a device" in told
