"""The power of a gateway: cut without warning, and given back."""

import subprocess
from typing import Protocol

from rigging.gateway import LocalGateway
from rigging.inventory import SSHDriver
from rigging.qemu import Machine
from rigging.shell import Shell


class Power(Protocol):
    def cut(self) -> None:
        """At once, whatever is going on. Harmless when it is off."""

    def restore(self, *, clock: str = "") -> None:
        """Returns once the machine can be talked to; its service is its own affair. `clock`: what
        its real-time clock then says, like 1970-01-02; default: the truth."""

    def wait_for_reset(self) -> None:
        """After the machine was made to start anew by itself: until it can be talked to again."""


class ProcessPower:
    """What comes nearest without a machine of one's own: SIGKILL."""

    def __init__(self, gateway: LocalGateway) -> None:
        self._gateway = gateway

    def cut(self) -> None:
        self._gateway.kill()

    def restore(self, *, clock: str = "") -> None:
        if self._gateway.configured:
            self._gateway.start()

    def wait_for_reset(self) -> None:
        """A process does not reset."""


class VirtualPower:
    def __init__(self, machine: Machine, shell: Shell, boot: float) -> None:
        self._machine, self._shell, self._boot = machine, shell, boot

    def cut(self) -> None:
        self._machine.cut()
        self._shell.forget()

    def restore(self, *, clock: str = "") -> None:
        if clock:
            self._machine.start(rtc=f"base={clock},clock=vm", kernel="rig.clock=wrong")
        else:
            self._machine.start()
        self._wait()

    def wait_for_reset(self) -> None:
        self._machine.monitor.wait("RESET")
        self._shell.forget()
        self._wait()

    def _wait(self) -> None:
        self._shell.wait(self._boot, lambda: self._machine.is_on)


class RelayPower:
    """A relay in the supply line, switched by commands of this machine."""

    def __init__(self, driver: SSHDriver, shell: Shell, broker: int) -> None:
        self._driver, self._shell, self._broker = driver, shell, broker

    def cut(self) -> None:
        if self._driver.cmd_off:
            subprocess.run(self._driver.cmd_off, check=True, timeout=60)
        self._shell.forget()

    def restore(self, *, clock: str = "") -> None:
        if self._driver.cmd_on:
            subprocess.run(self._driver.cmd_on, check=True, timeout=60)
        self._wait()

    def wait_for_reset(self) -> None:
        self._shell.forget()
        self._wait()

    def _wait(self) -> None:
        self._shell.wait(self._driver.boot)
        self._shell.forward_back(self._broker)
