"""`fieldgate address`: the command itself, on a real port, killed like a power cut does."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agent.cli.addressing_journal import Entry, Journal
from agent.cli.main import main
from agent.config.load import load
from agent.demo.agent_process import AgentProcess
from agent.wires.stage import PtyStage
from tests.support_addressing import Bus, Effect, bank_of, share
from tests.support_terminal import in_terminal

KILLS, EVERY = 5, 47  # so many frames are about two devices', so that each kill is at another step


class Port:
    """New devices behind a pseudo-terminal, and the command in front of it."""

    def __init__(self, folder: Path, bus: Bus) -> None:
        self.folder, self.bus = folder, bus
        self.link = folder / "port"
        self.steps: list[dict[str, Any]] = []
        self.process: asyncio.subprocess.Process | None = None

    async def address(self, *words: str, wire: tuple[str, ...] | None = None) -> int:
        """Runs it to its end, doing what it asks for; returns its exit code."""
        how = wire or ("--port", str(self.link), "--journal", str(self.folder / "journal"))
        command = ("address", "--profile", "probe", "--from", "11", *how, "--yes", "--json")
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *command, "--timeout", "30", *words),
            *(("--socket", str(self.folder / "none")) if wire is None else ()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.obey(json.loads(line))
        return await self.process.wait()

    def obey(self, step: dict[str, Any]) -> None:
        self.steps.append(step)
        if step["step"] == "waiting" and 1 not in self.bus.units:
            self.bus.plug_next()
        elif step["step"] == "restart":
            self.bus.restart(self.bus.plugged[-1])

    def named(self, step: str) -> list[dict[str, Any]]:
        return [one for one in self.steps if one["step"] == step]

    @property
    def ids(self) -> list[int]:
        return sorted(bank_of(device).unit for device in self.bus.devices)


Plug = Callable[..., Port]


@pytest.fixture
async def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Plug]:
    def made(effect: Effect, count: int, units: tuple[int, ...] = (), **address: Any) -> Port:
        monkeypatch.setenv("FIELDGATE_LANG", "en")
        monkeypatch.setenv("FIELDGATE_SHARE", str(share(tmp_path, effect, **address)))
        return Port(tmp_path, Bus.of(tmp_path, count, units))

    async with asyncio.timeout(120):
        yield made


async def test_ten_devices_get_ten_ids_though_the_command_is_killed_again_and_again(
    plug: Plug,
) -> None:
    port = plug("power_cycle", 10)
    kills = 0

    def kill() -> None:
        nonlocal kills
        if port.bus.frames >= EVERY * (kills + 1) and port.process is not None and kills < KILLS:
            kills += 1
            port.process.kill()

    port.bus.hook = kill
    async with PtyStage(port.link, [port.bus]):
        while (code := await port.address("--count", "10")) == -9:
            if kills % 2:
                port.bus.restart()
    assert (code, kills) == (0, KILLS)
    assert port.ids == list(range(11, 21))
    assert port.bus.twice == []


async def test_a_device_is_told_with_its_label_and_its_lines_for_the_settings(plug: Plug) -> None:
    port = plug("at_once", 1)
    async with PtyStage(port.link, [port.bus]):
        assert await port.address("--name", "bed") == 0
    (done,) = port.named("done")
    assert done["label"][:2] == ["ID 11", "Test probe"]
    assert done["yaml"] == (
        "  - id: bed-11\n    driver: modbus\n    wire: wire\n    profile: probe\n    unit: 11\n"
    )
    (give,) = port.named("give")
    assert give["identity"]["values"][0]["point"] == "soil_moisture"


async def test_through_the_running_service_devices_are_given_ids_and_settings(plug: Plug) -> None:
    port = plug("at_once", 3, (20, 1, 1))
    port.bus.plug_next()
    config = settings(port)
    service = AgentProcess(port.folder, config)
    async with PtyStage(port.link, [port.bus]):
        await service.start()
        try:
            while await service.ask({"do": "wires"}) is None:
                service.check()
                await asyncio.sleep(0.1)
            new = port.folder / "devices" / "new.yaml"
            wire = ("--wire", "bus", "--config", str(config))
            code = await port.address("--count", "2", "--write", str(new), wire=wire)
            assert code == 0, service.log.read_text()
            readings = await service.ask({"do": "read", "device": "old"})
        finally:
            await service.stop()
    assert port.ids == [11, 12, 20]
    assert port.bus.twice == []
    assert readings is not None
    assert {device.id for device in load(config).devices} == {
        "old",
        "bed-9",
        "probe-11",
        "probe-12",
    }
    assert "bed-9" in new.with_name("new.yaml.bak").read_text()


def settings(port: Port) -> Path:
    """A configuration with a device in use, and a file for new ones that holds one and a remark."""
    config = port.folder / "gateway.yaml"
    config.write_text(
        f"include: [devices/*.yaml]\ngateway: {{id: gw}}\n"
        f"store: {{path: {port.folder / 'store'}}}\nmetrics: {{listen: null}}\n"
        f"control: {{socket: {port.folder / 'control.sock'}}}\n"
        f"wires: {{bus: {{port: {port.link}}}}}\n"
        "devices:\n"
        "  - {id: old, driver: modbus, profile: probe, wire: bus, unit: 20, every: 200ms}\n"
    )
    new = port.folder / "devices" / "new.yaml"
    new.parent.mkdir()
    new.write_text("devices:\n- {id: bed-9, driver: simulated}  # not a probe\n")
    return config


async def test_the_id_of_a_device_in_use_is_never_written_to(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    port = plug("at_once", 1)
    port.bus.plug_next()
    config = settings(port)
    async with PtyStage(port.link, [port.bus]):
        words = ["--wire", "bus", "--config", str(config), "--at", "20", "--yes"]
        command = ["address", "--profile", "probe", "--from", "11", *words]
        assert await asyncio.to_thread(main, command) == 78
    assert "which is that of old" in capsys.readouterr().err
    assert port.bus.frames == 0


async def test_what_is_written_to_all_needs_a_wire_of_its_own(plug: Plug) -> None:
    port = plug("at_once", 2, (20, 1), to_all=True)
    port.bus.plug_next()
    port.bus.plug_next()
    told: list[str] = []

    def obey(step: dict[str, Any]) -> None:
        told.append(step["step"])
        if step["step"] == "alone":
            del port.bus.plugged[0]

    port.obey = obey  # type: ignore[method-assign]  # unplugs the old one when told to
    config = settings(port)
    async with PtyStage(port.link, [port.bus]):
        assert await port.address(wire=("--wire", "bus", "--config", str(config))) == 0
    assert told.count("alone") == 1
    assert port.ids == [11, 20]


async def test_nothing_is_written_where_nobody_can_say_yes(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    port = plug("at_once", 1)
    words = ["--profile", "probe", "--from", "11", "--port", str(port.link)]
    assert await asyncio.to_thread(main, ["address", *words]) == 78
    assert "--yes" in capsys.readouterr().err


async def test_a_device_of_another_kind_that_waits_for_its_id_comes_first(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    port = plug("at_once", 1)
    journal = port.folder / "journal"
    with Journal(journal, str(port.link)) as book:
        book.put(Entry("intent", str(port.link), "other", 1, 11))
    words = ["--profile", "probe", "--from", "11", "--port", str(port.link), "--yes"]
    words += ["--journal", str(journal), "--socket", str(port.folder / "none")]
    assert await asyncio.to_thread(main, ["address", *words]) == 78
    assert "with the profile other" in capsys.readouterr().err
    async with PtyStage(port.link, [port.bus]):
        assert await port.address("--forget") == 0
    assert port.ids == [12]


async def test_in_a_terminal_each_write_is_asked_for(plug: Plug) -> None:
    port = plug("power_cycle", 1)
    words = ["--port", str(port.link), "--journal", str(port.folder / "journal")]
    words += ["--socket", str(port.folder / "none"), "--profile", "probe", "--from", "11"]
    async with PtyStage(port.link, [port.bus]), in_terminal("address", *words) as terminal:
        await terminal.until("go on? [y/n]")
        terminal.type("y\n")
        await terminal.until("plug in the next new device")
        port.bus.plug_next()
        await terminal.until("give id 11 to the device at id 1? [y/n]")
        assert "soil_moisture" in terminal.text
        assert not (port.folder / "journal").read_bytes()
        terminal.type("y\n")
        await terminal.until("switch the supply of this device off and on")
        port.bus.restart()
        await terminal.until("| ID 11")
        assert await terminal.process.wait() == 0
    assert port.ids == [11]
