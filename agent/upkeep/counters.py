"""Counters that go on counting when the device behind them is replaced. Pure.

`base` is added to what the new device counts, so that the point goes on from the old one's total.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from agent.contract import Event, Reading, Value

Number = float | int


@dataclass(slots=True)
class Counters:
    """Of one device, by point."""

    points: frozenset[str]
    base: dict[str, Number] = field(default_factory=dict)
    last: dict[str, Number] = field(default_factory=dict)  # totals
    awaited: dict[str, Number] = field(
        default_factory=dict
    )  # totals that a new device goes on from

    def replaced(self, totals: Mapping[str, Number]) -> None:
        """The next reading of each counter is the new device's first. `totals` overrule what was
        last seen; a counter that was never seen starts from what the new device says."""
        self.awaited = {p: t for p, t in {**self.last, **totals}.items() if p in self.points}

    def shown(self, reading: Reading) -> Reading:
        """With its base."""
        base = self.base.get(reading.point)
        if base is None or (number := number_of(reading)) is None:
            return reading
        return replace(reading, value=number + base)

    def see(self, reading: Reading) -> Iterator[Event]:
        """A raw reading: learns from it, and tells of a base that it fixes."""
        raw = number_of(reading)
        if reading.point not in self.points or raw is None:
            return
        if reading.point in self.awaited:
            total = self.awaited.pop(reading.point)
            self.base[reading.point] = total - raw
            data: dict[str, Value | None] = {
                "point": reading.point, "total": total, "first": raw, "base": total - raw,
            }  # fmt: skip
            yield Event("device.rebased", reading.device, reading.at, data)
        self.last[reading.point] = raw + self.base.get(reading.point, 0)


def number_of(reading: Reading) -> Number | None:
    value = reading.value
    return None if isinstance(value, bool | str) else value
