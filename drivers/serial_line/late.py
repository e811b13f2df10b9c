"""Answers that come late, and for how long a device must be left alone after one was lost.

Little in these frames says which request they answer. After a lost answer the device is asked
nothing until a late one must have come (`max_late`); nobody listens for it then.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol
from weakref import WeakKeyDictionary

from agent.contract import Line, LinkLost, Turn
from drivers.serial_line.raw import Raw


class Turns(Protocol):
    """A `Wire`, or what stands for one."""

    def turn(
        self, line: Line | None = None, guard: float = 0.0
    ) -> AbstractAsyncContextManager[Turn]: ...


_quiet: WeakKeyDictionary[Turns, dict[Raw | None, float]] = WeakKeyDictionary()


class Quiet:
    """One address on one wire, whichever devices of the configuration it stands for. Times are
    of the event loop's clock."""

    def __init__(self, wire: Turns, address: Raw | None) -> None:
        self._until = _quiet.setdefault(wire, {})
        self._address = address

    def wait(self, now: float) -> float:
        """Seconds for which nothing must be asked."""
        return max(0.0, self._until.get(self._address, 0.0) - now)

    def doubt(self, until: float) -> None:
        self._until[self._address] = max(self._until.get(self._address, 0.0), until)


def late(device: str) -> LinkLost:
    return LinkLost(
        "{device} answers later than it was given time",
        hint="raise `timeout:` of the device; if other masters share the line, take them off it",
        reason="late",
        device=device,
    )
