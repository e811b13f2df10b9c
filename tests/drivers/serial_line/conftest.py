"""Simulated devices on real pseudo-terminals and sockets, and the driver in front of them."""

import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import pytest
import yaml

from agent.clock import Clock
from agent.contract import Device, Instant, Reading, Simulator
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.datagrams import UdpStage
from agent.wires.faults import Faults
from agent.wires.stage import PtyStage, TcpStage
from drivers.serial_line import DRIVER
from drivers.serial_line.driver import SerialLineDriver
from drivers.serial_line.simulate import SerialLineSimulator, TalkingSimulator, simulate
from drivers.serial_line.stream import SerialLineStream

Way = Literal["pty", "tcp", "udp"]

QUICK = {"timeout": "400ms", "max_late": "150ms"}


class SetClock(Clock):
    """`later` moves it on, s."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = 0

    def later(self, seconds: float) -> None:
        self._moved += int(seconds * 1e9)

    def now(self) -> Instant:
        now = super().now()
        return Instant(now.boot, now.mono + self._moved, now.wall + self._moved, now.trusted)


@dataclass
class Rig:
    """One wire, its devices by id, and what was sent on it."""

    site: Path
    clock: SetClock = field(default_factory=SetClock)
    board: Board = field(default_factory=Board)
    faults: Faults = field(default_factory=Faults)
    hosts: dict[str, DeviceHost] = field(default_factory=dict)
    drivers: dict[str, SerialLineDriver | SerialLineStream] = field(default_factory=dict)
    simulator: SerialLineSimulator = field(default_factory=lambda: SerialLineSimulator({}))
    sent: list[bytes] = field(default_factory=list)
    stage: PtyStage | TcpStage | UdpStage | None = None

    @property
    def driver(self) -> SerialLineDriver | SerialLineStream:
        (driver,) = self.drivers.values()
        return driver

    def hold(self, label: str = "", **values: Any) -> None:
        """Values of points, on every device that has them."""
        for bank in self.simulator.banks.values():
            for point, value in values.items():
                if point in bank.station.profile.points:
                    bank.set(point, value, label)

    def device(self, name: str, options: Mapping[str, Any], wire: str = "bus") -> Device:
        return Device(name, "serial_line", 1.0, wire=wire, options=options)

    def host(self, device: Device, wires: Wires | None = None) -> DeviceHost:
        wire = wires.wire("bus") if wires else None
        return DeviceHost(device, self.clock, wire, None, self.site)

    def on_the_wire(self, direction: str, data: bytes) -> None:
        if direction == "tx":
            self.sent.append(data)


Build = Callable[..., AbstractAsyncContextManager[Rig]]


def profile_text(body: Mapping[str, Any]) -> str:
    """A profile with the fields that a test does not care about."""
    frame = {"title": "t", "family": "other", "source": ["s"], "confidence": "high"}
    return yaml.safe_dump(frame | {"timing": QUICK} | dict(body), sort_keys=False)


def values(readings: Sequence[Reading]) -> dict[str, Any]:
    return {r.point: r.value if not r.reason else (r.value, r.quality, r.reason) for r in readings}


@pytest.fixture
def seen() -> Callable[[Sequence[Reading]], dict[str, Any]]:
    return values


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., str]:
    """Writes a site profile; returns its name."""

    def write(name: str = "probe", **body: Any) -> str:
        folder = tmp_path / "site" / "serial_line"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(profile_text(body), encoding="utf-8")
        return name

    return write


@pytest.fixture
def build(tmp_path: Path) -> Build:
    @asynccontextmanager
    async def built(
        devices: Mapping[str, Mapping[str, Any]],
        way: Way = "pty",
        simulator: Simulator | None = None,
        pace: float = 0.02,
    ) -> AsyncIterator[Rig]:
        rig = Rig(tmp_path / "site")
        entries = [rig.device(name, options) for name, options in devices.items()]
        made = simulate([(device, rig.host(device)) for device in entries], "rtu")
        assert isinstance(made, SerialLineSimulator)
        rig.simulator = made
        if isinstance(rig.simulator, TalkingSimulator):
            rig.simulator.pace = pace
        talkers = [simulator or rig.simulator]
        if way == "udp":
            rig.stage, entries = _by_udp(rig, talkers, entries)
        else:
            rig.stage = (
                PtyStage(tmp_path / "port", talkers, faults=rig.faults)
                if way == "pty"
                else TcpStage("127.0.0.1", 0, talkers, faults=rig.faults)
            )
        async with rig.stage, Wires(_specs(rig.stage), rig.board) as wires:
            if way != "udp":
                wires.taps("bus").add(rig.on_the_wire)
            for device in entries:
                rig.hosts[device.id] = rig.host(device, wires if device.wire else None)
                driver = DRIVER.make(device, rig.hosts[device.id])
                assert isinstance(driver, SerialLineDriver | SerialLineStream)
                rig.drivers[device.id] = driver
                await driver.open()
            yield rig
            for driver in rig.drivers.values():
                await driver.close()

    return cast("Build", built)


def _by_udp(
    rig: Rig, talkers: Sequence[Simulator], entries: Sequence[Device]
) -> tuple[UdpStage, list[Device]]:
    """A device that speaks unasked speaks to a port of ours, another one is asked at its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    speaks = isinstance(rig.simulator, TalkingSimulator)
    address = ("127.0.0.1", port)
    own, peer = (("127.0.0.1", 0), address) if speaks else (address, None)
    way = {"listen" if speaks else "connect": f"udp://127.0.0.1:{port}"}
    unwired = [rig.device(one.id, {**one.options, **way}, "") for one in entries]
    return UdpStage(talkers, own, peer, rig.faults), unwired


def _specs(stage: PtyStage | TcpStage | UdpStage) -> list[WireSpec]:
    if isinstance(stage, UdpStage):
        return []
    if isinstance(stage, PtyStage):
        return [WireSpec("bus", port=str(stage.link))]
    return [WireSpec("bus", host=stage.host, tcp_port=stage.port)]
