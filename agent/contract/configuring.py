"""What sets a device itself up: done by a technician on purpose, never by a poll or the cloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Setup:
    """One way to set a device up. `fields` may be given; `dangerous`: it wears the device out,
    moves something, or cuts it off."""

    name: str
    fields: tuple[str, ...] = ()
    dangerous: bool = False
    note: str = ""


@runtime_checkable
class Configurable(Protocol):
    """A driver whose device can be set up."""

    @property
    def setups(self) -> Sequence[Setup]: ...

    async def configure(
        self, setup: str, fields: Mapping[str, int | str], *, dangerous: bool = False
    ) -> Mapping[str, object]:
        """Returns what the device says to it; empty where it says nothing. What is dangerous must
        be meant. Raises DeviceFault (no such setup or field, refused), LinkLost."""
