"""A rig's description in YAML: a place, its resources and drivers, and what it is capable of.

The words are labgrid's: a place is what one reserves as a whole, a resource is a thing in it, a
driver is how a thing is handled.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

RIGS = Path(__file__).parents[1] / "rigs"

Capability = Literal[
    "modbus",  # a Modbus device answers on a serial wire
    "serial_line",  # so does a device with frames of its own
    "usb_unplug",  # a serial adapter can be taken out and put back
    "usb_renumber",  # … and then gets another number
    "broker",  # the broker is ours to kill
    "power",  # the power can be cut
    "systemd",  # fieldgate runs as its unit
    "clock",  # the clock can be made to start wrong
    "watchdog",  # the machine resets itself when its kernel hangs
    "ble",  # Bluetooth sensors are in reach
    "adapter_unplug",  # … and the adapter can be taken out
    "camera",  # /dev/video0 delivers pictures
    "camera_unplug",  # … and cameras can be plugged in and pulled: vivid, a USB camera of ours
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PtyPort(_Strict):
    """A pseudo-terminal of this machine, with simulated devices behind it."""

    cls: Literal["PtyPort"]


class QEMUSerialPort(_Strict):
    """A USB adapter of the virtual machine, with simulated devices behind it."""

    cls: Literal["QEMUSerialPort"]
    serial: str = Field(description="its serial number, by which udev names it")


class USBSerialPort(_Strict):
    """A real adapter in the gateway, with real devices behind it. `cmd_off` and `cmd_on` are run on
    this machine; they take the USB socket's power away and give it back."""

    cls: Literal["USBSerialPort"]
    path: str
    cmd_off: list[str] = []
    cmd_on: list[str] = []


class LocalProcess(_Strict):
    """fieldgate runs here, as a process of ours."""

    cls: Literal["LocalProcess"]


class QEMUDriver(_Strict):
    """The gateway is a virtual machine; its power is cut by killing qemu."""

    cls: Literal["QEMUDriver"]
    build: str = Field(description="folder with kernel, initrd, disk.ext4, key")
    memory: int = Field(1024, description="MiB")
    cpus: int = Field(1, description="with more, Debian's kernel panics now and then under qemu 7")
    boot: float = Field(300, description="s that it may take to come up")


class SSHDriver(_Strict):
    """The gateway is a machine of its own. `cmd_off` and `cmd_on` are run on this machine; they
    switch the relay that its power comes through."""

    cls: Literal["SSHDriver"]
    address: str
    port: int = 22
    user: str = "root"
    key: str = ""
    cmd_off: list[str] = []
    cmd_on: list[str] = []
    boot: float = Field(180, description="s that it may take to come up")


Resource = Annotated[PtyPort | QEMUSerialPort | USBSerialPort, Field(discriminator="cls")]
GatewayDriver = Annotated[LocalProcess | QEMUDriver | SSHDriver, Field(discriminator="cls")]


class FullRate(_Strict):
    """How many simulated devices of two points, how often: as much as the gateway can."""

    devices: int = 5
    every: str = "50ms"


class Inventory(_Strict):
    """`wires` and `devices` are those of gateway.yaml, where a wire's `port` names a resource."""

    place: str
    about: str
    capabilities: list[Capability]
    lacks: dict[Capability, str] = Field({}, description="why not, in a few words")
    resources: dict[str, Resource]
    drivers: dict[Literal["gateway"], GatewayDriver]
    wires: dict[str, dict[str, Any]]
    devices: list[dict[str, Any]]
    full_rate: FullRate = FullRate()
    resume_within: float = Field(5.0, description="s from a port's return to a good reading")

    @property
    def gateway(self) -> LocalProcess | QEMUDriver | SSHDriver:
        return self.drivers["gateway"]

    @model_validator(mode="after")
    def _named(self) -> "Inventory":
        unknown = {str(wire.get("port")) for wire in self.wires.values()} - set(self.resources)
        if unknown:
            raise ValueError(f"wires name ports that are no resource: {sorted(unknown)}")
        return self

    def missing(self, needed: tuple[str, ...]) -> str:
        """Why a test that needs these cannot run here; "" when it can."""
        return "; ".join(
            f"{self.place} has no {name}: {self.lacks.get(name, 'not in its inventory')}"  # type: ignore[call-overload]  # a str
            for name in needed
            if name not in self.capabilities
        )

    def device(self, driver: str) -> str:
        """The id of the first device that the driver reads."""
        return next(str(device["id"]) for device in self.devices if device["driver"] == driver)

    def port_of(self, device: str) -> str:
        """The resource that the device's wire hangs on."""
        wire = next(str(one["wire"]) for one in self.devices if one["id"] == device)
        return str(self.wires[wire]["port"])


def read(name: str) -> Inventory:
    """By name (`vm`) or file. Raises FileNotFoundError, or ValueError with what is wrong."""
    file = Path(name) if name.endswith(".yaml") else RIGS / f"{name}.yaml"
    return Inventory.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
