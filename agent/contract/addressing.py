"""How new devices, which all arrive with one id, are given ids of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

from agent.contract.device import Device
from agent.contract.reading import Value
from agent.contract.wire import Line

if TYPE_CHECKING:
    from agent.contract.driver import Host


class Presence(StrEnum):
    """Who is there at an id."""

    SILENT = "silent"
    ONE = "one"
    SEVERAL = "several"  # two answers, or what two make of each other: noise


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself, for its label. `values`: (point, value, unit)."""

    serial: str = ""
    values: Sequence[tuple[str, Value | None, str]] = ()


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What holds for all devices of a kind. Ids are numbers, `first`…`last` but for `reserved`.

    `to_all`: the id is written to all devices on the wire, so that only one may be there.
    """

    title: Mapping[str, str]  # language -> what the device is called
    note: Mapping[str, str]  # language -> what has to be done beside, "" for nothing
    line: Line  # as it leaves the factory
    factory: int
    first: int
    last: int
    reserved: frozenset[int] = frozenset()
    takes_effect: Literal["at_once", "power_cycle", "unknown"] = "unknown"
    to_all: bool = False

    def allows(self, unit: int) -> bool:
        return self.first <= unit <= self.last and unit not in self.reserved


class Addressing(Protocol):
    """Devices of one kind on one wire. Everything raises LinkLost when the wire itself is gone."""

    @property
    def rules(self) -> AddressRules: ...

    def text(self, unit: int) -> str:
        """An id as people write it."""

    async def look(self, unit: int) -> Presence:
        """One harmless question, and all that is heard within the time for an answer."""

    async def identify(self, unit: int) -> Identity:
        """Raises LinkLost, DeviceFault."""

    async def held(self, unit: int) -> int | None:
        """The id that the device will have after its next start; None where it does not say."""

    async def assign(self, old: int, new: int) -> None:
        """Writes the id; a lost answer is no error. Raises DeviceFault when it is refused."""

    def taken(self, devices: Sequence[tuple[Device, "Host"]]) -> Mapping[int, str]:
        """The ids of configured devices on this wire, and which device has each.
        Raises Misconfigured."""

    def options(self, unit: int) -> Mapping[str, str | int]:
        """The device's keys in the configuration, beside those that every device has."""
