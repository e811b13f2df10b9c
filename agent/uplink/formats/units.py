"""UCUM, in which readings are stored, into the units that SenML registers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_CHANNEL = re.compile(r"(_[0-9]{1,2}|_l[1-3](_l[1-3])?|_n|_[0-9]+cm)$")


@dataclass(frozen=True, slots=True)
class Translation:
    """SenML value = value * factor + offset; `unit` None: SenML registers no such unit."""

    unit: str | None
    factor: float = 1.0
    offset: float = 0.0

    @property
    def same(self) -> bool:
        """The value travels as it is."""
        return self.factor == 1 and self.offset == 0

    def apply(self, value: float) -> float:
        """Rounded to 12 significant digits, so that 23.4 % becomes 0.234."""
        return float(f"{value * self.factor + self.offset:.12g}")


_NONE = Translation(None)


@dataclass(frozen=True, slots=True)
class Units:
    """`units` maps UCUM to SenML; `points` maps (point, UCUM) where the quantity has its own."""

    units: Mapping[str, Translation] = field(default_factory=dict)
    points: Mapping[tuple[str, str], Translation] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Units":
        """From the content of `configs/units.yaml`."""
        return cls(
            {
                ucum: Translation(row["senml"], row["factor"], row.get("offset", 0.0))
                for ucum, row in table["units"].items()
            },
            {
                (point, row["unit"]): Translation(row["senml"])
                for point, row in table.get("points", {}).items()
                if row.get("senml")
            },
        )

    def translate(self, point: str, ucum: str) -> Translation:
        """A point's own unit goes before that of its UCUM unit; an unknown unit is left out."""
        own = self.points.get((point, ucum)) or self.points.get((_CHANNEL.sub("", point), ucum))
        return own or self.units.get(ucum, _NONE)


@cache
def shipped() -> Units:
    """The vocabulary that comes with fieldgate."""
    import yaml

    from agent.paths import share

    text = (share() / "configs" / "units.yaml").read_text(encoding="utf-8")
    return Units.of(yaml.safe_load(text))
