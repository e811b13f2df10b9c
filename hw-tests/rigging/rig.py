"""A rig, built from its inventory: what every test is given."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rigging.background import Background
from rigging.gateway import Gateway, LocalGateway, ServiceGateway
from rigging.inventory import (
    Inventory,
    LocalProcess,
    PtyPort,
    QEMUDriver,
    QEMUSerialPort,
    SSHDriver,
    USBSerialPort,
)
from rigging.ports import Port, Pty, RealUsb, VirtualUsb
from rigging.power import Power, ProcessPower, RelayPower, VirtualPower
from rigging.qemu import Machine
from rigging.shell import Shell
from rigging.site import GATEWAY, UPLINK, Cloud, Site

ROOT = Path(__file__).parents[2]


@dataclass
class Rig:
    """`shell` and `machine` only where the gateway is a machine of its own, or a virtual one."""

    inventory: Inventory
    background: Background
    site: Site
    gateway: Gateway
    power: Power
    ports: dict[str, Port]
    broker_url: str
    shell: Shell | None = None
    machine: Machine | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def cloud(self) -> Cloud:
        return self.site.cloud

    def port_of(self, device: str) -> Port:
        return self.ports[self.inventory.port_of(device)]

    def configure(self, extra: Sequence[Mapping[str, Any]] = ()) -> None:
        """The inventory's devices and `extra` ones, from now on."""
        paths = {name: port.path for name, port in self.ports.items()}
        devices = [*self.inventory.devices, *extra]
        self.gateway.configure(self._text(self._wires(lambda port: {"port": paths[port]}), devices))

    def _wires(self, end: Callable[[str], dict[str, str]]) -> dict[str, dict[str, Any]]:
        return {
            name: {**{key: value for key, value in wire.items() if key != "port"},
                   **end(str(wire["port"]))}
            for name, wire in self.inventory.wires.items()
        }  # fmt: skip

    def _text(self, wires: dict[str, Any], devices: Sequence[Mapping[str, Any]]) -> str:
        """JSON, which is YAML."""
        uplink = {
            "id": UPLINK,
            "brokers": [self.broker_url],
            "allow_plaintext": True,
            "live_period": "100ms",
            "publish_deadline": "5s",
            "keepalive": "5s",
        }
        store = {"path": self.gateway.store, "max_size": "500MB", "commit": {"every": "200ms"}}
        settings = {
            "gateway": {"id": GATEWAY},
            "store": store,
            "control": {"socket": self.gateway.socket},
            "metrics": {"listen": None},
            "wires": wires,
            "devices": devices,
            "uplinks": [uplink],
        }
        return json.dumps(settings, indent=1)

    def simulate(self, ends: dict[str, dict[str, str]]) -> None:
        """Devices behind the ports; `ends`: by resource, where they answer."""
        wires = self._wires(ends.__getitem__)
        self.background.run(self.site.simulate(self._text(wires, self.inventory.devices)))


@contextmanager
def built(inventory: Inventory, folder: Path) -> Iterator[Rig]:
    """Switched on, plugged in and reading, until the `with` ends."""
    with Background() as background:
        site = background.run(_made(folder))
        background.run(site.open())
        rig = _KINDS[type(inventory.gateway)](inventory, folder, background, site)
        try:
            rig.power.restore()
            rig.configure()
            rig.facts = rig.gateway.facts()
            yield rig
        finally:
            rig.power.cut()
            background.run(site.close())


async def _made(folder: Path) -> Site:
    return Site(folder)


def _local(inventory: Inventory, folder: Path, background: Background, site: Site) -> Rig:
    ptys = {
        name: Pty(folder / name, background)
        for name, resource in inventory.resources.items()
        if isinstance(resource, PtyPort)
    }
    gateway = LocalGateway(folder, background)
    url = f"mqtt://127.0.0.1:{site.broker.port}"
    power = ProcessPower(gateway)
    rig = Rig(inventory, background, site, gateway, power, dict(ptys), url)
    rig.simulate({name: {"port": pty.path} for name, pty in ptys.items()})
    for wire, stage in site.stages.items():
        ptys[str(inventory.wires[wire]["port"])].stage = stage  # type: ignore[assignment]  # a pty
    return rig


def _virtual(inventory: Inventory, folder: Path, background: Background, site: Site) -> Rig:
    driver = inventory.gateway
    assert isinstance(driver, QEMUDriver)
    build = ROOT / driver.build
    if not (build / "disk.ext4").exists():
        raise FileNotFoundError("the virtual machine is not built; next: make rig")
    way_in = SSHDriver(
        cls="SSHDriver", address="127.0.0.1", port=_free_port(), key=str(build / "key")
    )
    shell = Shell(way_in, folder)
    machine = Machine(build, folder, driver.memory, driver.cpus, way_in.port)
    tcp = {name: _free_port() for name in inventory.resources}
    ports: dict[str, Port] = {
        name: VirtualUsb(machine, shell, name, resource.serial, tcp[name])
        for name, resource in inventory.resources.items()
        if isinstance(resource, QEMUSerialPort)
    }
    gateway = ServiceGateway(shell)
    power = VirtualPower(machine, shell, driver.boot)
    url = f"mqtt://10.0.2.2:{site.broker.port}"
    rig = Rig(inventory, background, site, gateway, power, ports, url, shell, machine)
    rig.simulate({n: {"connect": f"127.0.0.1:{p}", "framing": "rtu"} for n, p in tcp.items()})
    for port in ports.values():
        port.plug()
    return rig


def _bench(inventory: Inventory, folder: Path, background: Background, site: Site) -> Rig:
    driver = inventory.gateway
    assert isinstance(driver, SSHDriver)
    shell = Shell(driver, folder)
    ports: dict[str, Port] = {
        name: RealUsb(resource.path, resource.cmd_off, resource.cmd_on, shell)
        for name, resource in inventory.resources.items()
        if isinstance(resource, USBSerialPort)
    }
    gateway = ServiceGateway(shell)
    power = RelayPower(driver, shell, site.broker.port)
    url = f"mqtt://127.0.0.1:{site.broker.port}"
    return Rig(inventory, background, site, gateway, power, ports, url, shell)


_KINDS: dict[type, Callable[[Inventory, Path, Background, Site], Rig]] = {
    LocalProcess: _local,
    QEMUDriver: _virtual,
    SSHDriver: _bench,
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
