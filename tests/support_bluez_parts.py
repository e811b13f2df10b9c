"""What the org.bluez of tests is made of: a bus, devices, their GATT databases."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dbus_fast import Variant

SERVICE, CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"

Interfaces = dict[str, dict[str, Variant]]
Read = Callable[[], bytes]
Write = Callable[[bytes], None]


class Daemon:
    """A dbus-daemon of its own, with nobody else on it."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:path={folder}/bus"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address",
             f"--address={self.address}"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdout is not None:
            process.terminate()
            process.wait()
            process.stdout.close()


@dataclass
class Characteristic:
    path: str
    uuid: str
    read: Read | None = None
    write: Write | None = None
    notifying: bool = False

    def properties(self, service: str) -> dict[str, Variant]:
        flags = ["read"] * bool(self.read) + ["write"] * bool(self.write) + ["notify"]
        return {
            "UUID": Variant("s", self.uuid),
            "Service": Variant("o", service),
            "Flags": Variant("as", flags),
            "Notifying": Variant("b", self.notifying),
            "Value": Variant("ay", b""),
            "MTU": Variant("q", 23),
        }


@dataclass
class Peripheral:
    """One device. `fault` is what goes wrong: connect-fail, connect-hang, read-fail, read-hang,
    no-resolve."""

    address: str
    path: str
    name: str = ""
    services: dict[str, bytes] = field(default_factory=dict)
    manufacturers: dict[int, bytes] = field(default_factory=dict)
    rssi: int = -60
    connected: bool = False
    resolved: bool = False
    fault: str = ""
    connections: int = 0
    dropped: Callable[[], None] | None = None  # told when a connection ends
    gatt: dict[str, list[Characteristic]] = field(default_factory=dict)  # service UUID -> its own

    def properties(self) -> dict[str, Variant]:
        told = {
            "Address": Variant("s", self.address),
            "AddressType": Variant("s", "random"),
            "Alias": Variant("s", self.name or self.address.replace(":", "-")),
            "Adapter": Variant("o", self.path.rpartition("/")[0]),
            "Paired": Variant("b", False),
            "Bonded": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "Connected": Variant("b", self.connected),
            "ServicesResolved": Variant("b", self.resolved),
            "UUIDs": Variant("as", list(self.gatt)),
            **self.heard(),
        }
        return told | ({"Name": Variant("s", self.name)} if self.name else {})

    def heard(self) -> dict[str, Variant]:
        """What a received advertisement changes."""
        services = {key: Variant("ay", data) for key, data in self.services.items()}
        companies = {key: Variant("ay", data) for key, data in self.manufacturers.items()}
        return {
            "RSSI": Variant("n", self.rssi),
            "ServiceData": Variant("a{sv}", services),
            "ManufacturerData": Variant("a{qv}", companies),
        }

    def objects(self) -> dict[str, Interfaces]:
        """Of the GATT database, while it is resolved."""
        found: dict[str, Interfaces] = {}
        for number, (uuid, characteristics) in enumerate(self.gatt.items()):
            path = f"{self.path}/service{number * 16 + 1:04x}"
            found[path] = {
                SERVICE: {
                    "UUID": Variant("s", uuid),
                    "Device": Variant("o", self.path),
                    "Primary": Variant("b", True),
                }
            }
            for one in characteristics:
                found[one.path] = {CHARACTERISTIC: one.properties(path)}
        return found
