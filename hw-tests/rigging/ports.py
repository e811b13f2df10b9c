"""Serial ports that can be pulled and put back."""

import os
import subprocess
from itertools import chain
from pathlib import Path
from typing import Protocol

from agent.wires.stage import PtyStage
from rigging.background import Background
from rigging.qemu import Machine
from rigging.shell import Shell

_SPARES = 32
_BY_ID = "/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{}-if00-port0"


class Port(Protocol):
    """`path` is the stable name that a configuration uses."""

    path: str

    def unplug(self) -> None: ...

    def plug(self, *, elsewhere: bool = False) -> None:
        """`elsewhere`: so that it gets another number than it had."""

    def node(self) -> str:
        """What the stable name stands for now, like /dev/ttyUSB0; "" while it is not there."""

    def since(self) -> float:
        """When the stable name came into being, by the gateway's clock, in s since 1970."""


class Pty:
    def __init__(self, path: Path, background: Background) -> None:
        self.path = str(path)
        self.stage: PtyStage | None = None  # once devices are simulated behind it
        self._background = background
        self._before = ""

    def unplug(self) -> None:
        self._before = self.node()
        if self.stage is not None:
            self._background.run(self.stage.unplug())

    def plug(self, *, elsewhere: bool = False) -> None:
        spares: list[tuple[int, int]] = []
        if elsewhere:
            spares = self._occupying(self._before)
        if self.stage is not None:
            self._background.run(self.stage.plug())
        for end in chain.from_iterable(spares):
            os.close(end)

    def node(self) -> str:
        link = Path(self.path)
        return str(link.readlink()) if link.is_symlink() else ""

    def since(self) -> float:
        return Path(self.path).lstat().st_ctime

    @staticmethod
    def _occupying(number: str) -> list[tuple[int, int]]:
        """Pseudo-terminals, one of which has this number if it is free."""
        spares: list[tuple[int, int]] = []
        while len(spares) < _SPARES and all(os.ttyname(slave) != number for _, slave in spares):
            spares.append(os.openpty())
        return spares


class _Remote:
    """The stable name of an adapter, looked at over a shell."""

    def __init__(self, path: str, shell: Shell) -> None:
        self.path, self._shell = path, shell

    def node(self) -> str:
        return self._shell.run("readlink", "-e", self.path, check=False).stdout.strip()

    def since(self) -> float:
        return float(self._shell.run("stat", "-c", "%.Z", self.path).stdout)


class VirtualUsb(_Remote):
    """An adapter of the virtual machine; `tcp` is where its devices answer."""

    def __init__(self, machine: Machine, shell: Shell, name: str, serial: str, tcp: int) -> None:
        super().__init__(_BY_ID.format(serial), shell)
        self._machine, self._name, self._serial, self._tcp = machine, name, serial, tcp
        self._spare = ""

    def unplug(self) -> None:
        self._machine.unplug(self._name)
        if self._spare:
            self._machine.unplug(self._spare)
            self._spare = ""

    def plug(self, *, elsewhere: bool = False) -> None:
        if elsewhere:  # another adapter takes the number that has become free
            self._spare = f"spare-{self._name}"
            self._machine.plug(self._spare, f"SPARE-{self._serial}", self._tcp)
            spare = _BY_ID.format(f"SPARE-{self._serial}")
            self._shell.run("udevadm", "wait", "--timeout=60", spare)
        self._machine.plug(self._name, self._serial, self._tcp)


class RealUsb(_Remote):
    """An adapter on a bench: commands of this machine switch its USB socket off and on."""

    def __init__(self, path: str, off: list[str], on: list[str], shell: Shell) -> None:
        super().__init__(path, shell)
        self._off, self._on = off, on

    def unplug(self) -> None:
        subprocess.run(self._off, check=True, timeout=60)

    def plug(self, *, elsewhere: bool = False) -> None:
        subprocess.run(self._on, check=True, timeout=60)
