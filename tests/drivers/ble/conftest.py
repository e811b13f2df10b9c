"""A radio without a radio: a private D-Bus, an org.bluez of our own, drivers that speak to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.clock import Clock
from agent.collect import Policy, listen
from agent.contract import Device, Event, Reading, Record
from agent.host import DeviceHost
from agent.plan import make_driver
from agent.status import Board
from drivers.ble import hub
from tests.support_bluez import Bluez
from tests.support_bluez_parts import Daemon

Until = Callable[[Callable[[], Any]], Awaitable[None]]
Listen = Callable[..., AbstractAsyncContextManager["Heard"]]
FAST = Policy(first=0.05, longest=0.1, look=0.05)


class Heard:
    """A sink that keeps what a device said."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def put(self, records: Any) -> None:
        self.records += records

    async def flush(self) -> None:
        """Everything is safe at once."""

    def readings(self, point: str = "") -> list[Reading]:
        return [r for r in self.records if isinstance(r, Reading) and point in {"", r.point}]

    def values(self, point: str) -> list[Any]:
        return [r.value for r in self.readings(point)]

    def last(self) -> dict[str, Any]:
        """Point -> the newest value."""
        return {r.point: r.value for r in self.readings()}

    def good(self) -> list[Reading]:
        return [r for r in self.readings() if r.quality == "good"]

    def bad(self) -> list[str]:
        return [r.reason for r in self.readings() if r.quality == "bad"]

    def events(self) -> list[tuple[str, Any]]:
        return [(r.kind, r.data.get("reason")) for r in self.records if isinstance(r, Event)]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    one = Daemon(tmp_path)
    one.start()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", one.address)
    yield one
    one.stop()


@pytest.fixture
async def bluez(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bluez]:
    monkeypatch.setattr(hub, "JITTER", 0.05)
    one = Bluez(daemon.address)
    await one.start()
    yield one
    await one.stop()
    await _close_bleak()


@pytest.fixture
def until() -> Until:
    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Any]:
    def build(name: str = "d", every: float = 0.05, **options: Any) -> Any:
        device = Device(name, "ble", every, options=options)
        return make_driver(device, DeviceHost(device, Clock(), None, tmp_path / "state"))

    return build


@pytest.fixture
def listening(make: Callable[..., Any]) -> Listen:
    """What the collector makes of a device that is listened to."""

    @asynccontextmanager
    async def run(name: str = "d", every: float = 0.05, **options: Any) -> AsyncIterator[Heard]:
        heard, driver = Heard(), make(name, every, **options)
        device = Device(name, "ble", every, options=options)
        task = asyncio.create_task(listen(device, driver, heard, Clock(), Board(), FAST))
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run


async def _close_bleak() -> None:
    """bleak keeps its bus for as long as the process lives."""
    from bleak.backends.bluezdbus.manager import get_global_bluez_manager

    try:
        manager = await get_global_bluez_manager()
    except Exception:  # noqa: BLE001  the bus is gone already
        return
    bus = manager._bus
    if bus is not None:
        bus.disconnect()
        await asyncio.sleep(0)
