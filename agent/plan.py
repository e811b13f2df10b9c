"""What a configuration means in running parts: wires with their devices, made and checked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from agent import __version__, paths
from agent.clock import Clock
from agent.config.include import read_document
from agent.config.load import Configuration
from agent.config.places import Place, place_of
from agent.config.schema import Settings, Store, WireSettings
from agent.contract import Device, DriverSpec, Host, Misconfigured, PolledDriver, StreamingDriver
from agent.host import DeviceHost
from agent.parking import POINTS
from agent.registry import driver_named
from agent.uplink.catalogue import Catalogue, Described, GatewayInfo
from agent.uplink.formats.units import shipped
from agent.wires import WireSpec

MACHINE_ID = Path("/etc/machine-id")
STATE = "state"  # folder below the store's: what drivers remember


@dataclass(frozen=True, slots=True)
class Station:
    """A wire with the devices on it, or one device that has none. Equal plans need no restart.

    `profiles` are the files that describe the devices, zones too, each with when it was changed.
    """

    name: str
    wire: WireSpec | None
    devices: tuple[Device, ...]
    profiles: tuple[tuple[Path, int], ...] = ()


def stations(config: Configuration) -> list[Station]:
    """Wires that no device hangs on are left alone."""
    found = []
    for name, wire in config.settings.wires.items():
        devices = tuple(device for device in config.devices if device.wire == name)
        if devices:
            spec = wire_spec(name, wire)
            found.append(Station(f"wire {name}", spec, devices, _profiles(devices)))
    store = config.settings.store.path
    for device in config.devices:
        if not device.wire:
            files = (*_profiles([device]), *_zones(device, store))
            found.append(Station(f"device {device.id}", None, (device,), files))
    return found


def _zones(device: Device, store: Path) -> Iterator[tuple[Path, int]]:
    """What was drawn into a camera's view, and how it was calibrated."""
    for name in (device.id, f"{device.id}.calibration"):
        for file in paths.zones(name, store):
            if file.is_file():
                yield file, file.stat().st_mtime_ns


def _profiles(devices: Sequence[Device]) -> tuple[tuple[Path, int], ...]:
    names = {(d.driver, str(d.options["profile"])) for d in devices if "profile" in d.options}
    files = [paths.profile(driver, name) for driver, name in sorted(names)]
    return tuple((file, file.stat().st_mtime_ns) for file in files)


def wire_spec(name: str, wire: WireSettings) -> WireSpec:
    host, _, port = (wire.connect or "").rpartition(":")
    return WireSpec(
        name=name,
        port=wire.port,
        host=host.strip("[]") or None,
        tcp_port=int(port) if port else None,
        framing="rtu" if wire.port is not None else wire.framing or "tcp",
        line=wire.line,
        guard=wire.guard,
        echo=wire.echo,
    )


def make_driver(device: Device, host: Host) -> PolledDriver | StreamingDriver:
    """Raises Misconfigured: no such driver, profile or point."""
    return driver_named(device.driver).make(device, host)


def check_device(
    spec: DriverSpec, device: Device, clock: Clock, state: Path | None = None
) -> PolledDriver | StreamingDriver:
    """Makes the driver, to be asked for its points only; `state` as `state_folder` tells it.
    Raises Misconfigured."""
    return spec.make(device, DeviceHost(device, clock, state_folder=state))


def stated(file: Path) -> Path:
    """The folder of what drivers remember, of a configuration that may not be sound."""
    document = read_document(file)
    path = None if isinstance(document, list) else document.at(("store", "path"))
    return (Path(path) if isinstance(path, str) else Store().path) / STATE


def state_folder(settings: Settings) -> Path:
    return settings.store.path / STATE


def unwired(
    config: Configuration, clock: Clock
) -> Iterator[tuple[Device, PolledDriver | StreamingDriver]]:
    """Every device with its driver, made but never opened: to check it, to know its points."""
    for device in config.devices:
        host = DeviceHost(device, clock, state_folder=state_folder(config.settings))
        yield device, make_driver(device, host)


def maintained(config: Configuration) -> Mapping[str, float]:
    """Devices that somebody works on, and for how many seconds."""
    return {d.id: d.maintenance for d in config.settings.devices if d.maintenance}


def gateway_id(settings: Settings) -> str:
    """As configured, else a short hash of the machine-id, which itself is no one's business.

    Raises Misconfigured on a machine that has none.
    """
    if settings.gateway.id is not None:
        return settings.gateway.id
    try:
        machine = MACHINE_ID.read_bytes().strip()
    except OSError as error:
        raise Misconfigured(
            "this machine has no {file}, so the gateway has no id",
            hint="write `gateway: {{id: …}}` into the configuration",
            file=MACHINE_ID,
        ) from error
    return "gw-" + sha256(b"fieldgate " + machine).hexdigest()[:10]


def gateway_info(settings: Settings) -> GatewayInfo:
    return GatewayInfo(gateway_id(settings), settings.gateway.name, __version__)


def catalogue(
    config: Configuration, clock: Clock, serial: Callable[[str], str] = lambda _: ""
) -> Catalogue:
    """What every device can say; `serial` knows the hardware of a device. Raises Misconfigured."""
    described = []
    for device, driver in unwired(config, clock):
        name = str(device.options.get("profile", ""))
        digest = ""
        if name:
            file = DeviceHost(device, clock).profile(name)
            digest = sha256(file.read_bytes()).hexdigest()[:16]
        described.append(Described(device, driver.points, name, digest, serial(device.id)))
    described += [
        Described(Device(space, "parking", 0.0, name=settings.name), POINTS)
        for space, settings in config.settings.parking.spaces.items()
    ]
    return Catalogue.of(gateway_info(config.settings), described, shipped())


def places(config: Configuration, clock: Clock) -> list[Place]:
    """Every space with what watches it. Raises Misconfigured."""
    spaces = config.settings.parking.spaces
    if not spaces:
        return []
    made = {device.id: (device, driver) for device, driver in unwired(config, clock)}
    found = []
    for space, settings in spaces.items():
        device, driver = made[settings.device]
        streaming = not isinstance(driver, PolledDriver)
        found.append(place_of(space, settings, device, driver.points, streaming=streaming))
    return found
