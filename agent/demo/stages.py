"""The other end of every wire of a configuration: devices that answer from their profiles."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from agent.clock import Clock
from agent.config.load import Configuration
from agent.config.schema import WireSettings
from agent.contract import Device, Misconfigured, Simulator
from agent.host import DeviceHost
from agent.registry import driver_named
from agent.wires.stage import PtyStage, TcpStage

Stage = PtyStage | TcpStage


@asynccontextmanager
async def staged(config: Configuration, *, paced: bool = True) -> AsyncIterator[dict[str, Stage]]:
    """Wire name -> its other end, answering until the `async with` ends.

    `paced`: bytes on serial lines take their real time. Wires without devices that can be
    simulated have none.
    """
    clock = Clock()
    stages: dict[str, Stage] = {}
    async with AsyncExitStack() as open_stages:
        for name, wire in config.settings.wires.items():
            devices = [device for device in config.devices if device.wire == name]
            if simulators := _simulators(devices, wire, clock):
                stages[name] = _stage(wire, simulators, paced=paced)
                await open_stages.enter_async_context(stages[name])
        yield stages


def framing(wire: WireSettings) -> str:
    return "rtu" if wire.port is not None else wire.framing or "tcp"


def _simulators(devices: list[Device], wire: WireSettings, clock: Clock) -> list[Simulator]:
    by_driver: defaultdict[str, list[tuple[Device, DeviceHost]]] = defaultdict(list)
    for device in devices:
        by_driver[device.driver].append((device, DeviceHost(device, clock)))
    return [
        simulate(members, framing(wire))
        for driver, members in by_driver.items()
        if (simulate := driver_named(driver).simulate) is not None
    ]


def _stage(wire: WireSettings, simulators: list[Simulator], *, paced: bool) -> Stage:
    if wire.port is not None:
        return PtyStage(Path(wire.port), simulators, wire.line if paced else None)
    host, _, port = (wire.connect or "").rpartition(":")
    if not host.startswith("127.") and host not in {"localhost", "::1"}:
        raise Misconfigured(
            "a simulated device listens on this machine only, not on {host}",
            hint="write `connect: 127.0.0.1:PORT` in a copy of the configuration",
            host=host,
        )
    return TcpStage(host, int(port), simulators)
