"""The other end of every wire of a configuration: devices that answer from their profiles."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from agent.clock import Clock
from agent.config.load import Configuration
from agent.config.schema import WireSettings
from agent.contract import Device, Follower, Misconfigured, Simulator, Story
from agent.host import DeviceHost
from agent.registry import driver_named
from agent.wires.datagrams import Address, UdpStage
from agent.wires.stage import PtyStage, TcpStage

Stage = PtyStage | TcpStage | UdpStage
_UDP = "udp://"


@asynccontextmanager
async def staged(
    config: Configuration,
    *,
    paced: bool = True,
    clock: Clock | None = None,
    story: Story | None = None,
) -> AsyncIterator[dict[str, Stage]]:
    """The other end of each wire by its name, and of each UDP device by its id, answering until
    the `async with` ends.

    `paced`: bytes on serial lines take their real time. Wires without devices that can be
    simulated have none. Raises Misconfigured.
    """
    stages: dict[str, Stage] = {}
    clock = clock or Clock()
    async with AsyncExitStack() as open_stages:
        for name, wire in config.settings.wires.items():
            devices = [device for device in config.devices if device.wire == name]
            if simulators := _simulators(devices, framing(wire), clock, story):
                stages[name] = _stage(wire, simulators, paced=paced)
                await open_stages.enter_async_context(stages[name])
        for device in config.devices:
            if stage := _by_udp(device, clock, story):
                stages[device.id] = stage
                await open_stages.enter_async_context(stage)
        yield stages


def framing(wire: WireSettings) -> str:
    return "rtu" if wire.port is not None else wire.framing or "tcp"


def without_simulator(config: Configuration) -> Iterator[Device]:
    """Devices that hang on something, and that nothing here can play."""
    for device in config.devices:
        needs_one = bool(device.wire) or device.driver == "ble"
        if needs_one and driver_named(device.driver).simulate is None:
            yield device


def _simulators(
    devices: list[Device], framing: str, clock: Clock, story: Story | None
) -> list[Simulator]:
    by_driver: defaultdict[str, list[tuple[Device, DeviceHost]]] = defaultdict(list)
    for device in devices:
        by_driver[device.driver].append((device, DeviceHost(device, clock)))
    made = [
        simulate(members, framing)
        for driver, members in by_driver.items()
        if (simulate := driver_named(driver).simulate) is not None
    ]
    for simulator in made:
        if story is not None and isinstance(simulator, Follower):
            simulator.follow(story)
    return made


def _stage(wire: WireSettings, simulators: list[Simulator], *, paced: bool) -> Stage:
    if wire.port is not None:
        return PtyStage(Path(wire.port), simulators, wire.line if paced else None)
    host, _, port = (wire.connect or "").rpartition(":")
    return TcpStage(_local(host), int(port), simulators)


def _by_udp(device: Device, clock: Clock, story: Story | None) -> UdpStage | None:
    """A device that is asked at `connect:`, or speaks to where the gateway listens."""
    asked, told = (_address(device.options.get(name)) for name in ("connect", "listen"))
    if device.wire or not (asked or told):
        return None
    simulators = _simulators([device], "rtu", clock, story)
    return UdpStage(simulators, asked or ("127.0.0.1", 0), told) if simulators else None


def _address(written: object) -> Address | None:
    if not isinstance(written, str) or not written.startswith(_UDP):
        return None
    host, _, port = written.removeprefix(_UDP).rpartition(":")
    return ("127.0.0.1" if host == "0.0.0.0" else _local(host)), int(port)  # noqa: S104  compared


def _local(host: str) -> str:
    if not host.startswith("127.") and host not in {"localhost", "::1"}:
        raise Misconfigured(
            "a simulated device listens on this machine only, not on {host}",
            hint="write `connect: 127.0.0.1:PORT` in a copy of the configuration",
            host=host,
        )
    return host
