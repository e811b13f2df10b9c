"""The register in which a device keeps its own unit id. Pure."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from drivers.modbus.planner import Block
from drivers.modbus.profile import Profile, Setting

FIRST, LAST = 1, 247  # Modbus over Serial Line V1.02, section 2.2


@dataclass(frozen=True, slots=True)
class IdRegister:
    """`functions`: those that write it, tried in turn. Ids `first`…`last` but for `reserved`."""

    block: Block
    is_float: bool
    functions: tuple[Literal[6, 16], ...]
    first: int
    last: int
    reserved: frozenset[int]

    @classmethod
    def of(cls, profile: Profile) -> "IdRegister | None":
        """None where the profile does not say how an id is set."""
        if profile.address is None:
            return None
        setting = profile.settings["unit_id"]
        low, high = setting.range or (FIRST, LAST)
        is_float = setting.type == "float32"
        return cls(
            Block("holding", setting.address, 2 if is_float else 1),
            is_float,
            profile.address.functions or (_function(setting),),
            max(FIRST, int(low)),
            min(LAST, int(high)),
            frozenset(profile.address.reserved),
        )

    def allows(self, unit: int) -> bool:
        return self.first <= unit <= self.last and unit not in self.reserved

    def words(self, unit: int) -> list[int]:
        return list(struct.unpack(">2H", struct.pack(">f", unit))) if self.is_float else [unit]

    def unit(self, words: Sequence[int]) -> int | None:
        """What the registers say; None where it is no id."""
        number = words[0]
        if self.is_float:
            (value,) = struct.unpack(">f", struct.pack(">2H", *words))
            number = int(value) if value in range(FIRST, LAST + 1) else 0
        return number if FIRST <= number <= LAST else None

    def within(self, first: int, count: int) -> bool:
        """Whether all of it is among `count` registers from `first` on."""
        return first <= self.block.first and self.block.first + self.block.count <= first + count


def _function(setting: Setting) -> Literal[6, 16]:
    return 16 if setting.function == 16 or setting.type == "float32" else 6
