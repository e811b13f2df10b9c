"""Who parks when: the comings and goings of single spaces over days with rush hours. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

DAY = 86400.0  # s
_LOOKED_AT = 600.0  # s, mean, between two drivers who would take a free space at the busiest
_SHORT_STAY = 2700.0  # s, mean
_ARRIVES = 4.0  # s that a car takes to stand still


@dataclass(frozen=True, slots=True)
class Rush:
    """`peak` in s since midnight, `width` in s; `share`: how much of the lot is wanted then."""

    peak: float
    width: float
    share: float

    def at(self, of_day: float) -> float:
        return self.share * math.exp(-(((of_day - self.peak) / self.width) ** 2))


@dataclass(frozen=True, slots=True)
class Stand:
    """`since` in s of the course; `changes` so far."""

    occupied: bool
    since: float
    changes: int


def demand(rushes: Sequence[Rush], of_day: float) -> float:
    """0.04…1: few at night, some by day, many in a rush."""
    by_day = 0.2 * max(0.0, math.sin(math.pi * (of_day / 3600.0 - 6.0) / 16.0))
    return min(1.0, 0.04 + by_day + sum(rush.at(of_day) for rush in rushes))


class Space:
    """One space from midnight on, the same for the same seed and name; times only grow."""

    def __init__(self, seed: int, name: str, rushes: Sequence[Rush]) -> None:
        self._chance = Random(f"{seed}/{name}")  # noqa: S311  a game, no secret
        self._rushes = rushes
        self._stand = Stand(self._chance.random() < demand(rushes, 0.0), 0.0, 0)
        self._until = self._lasts(0.0)
        field = [self._chance.gauss(0.0, 1.0) for _ in range(3)]
        length = math.hypot(*field) or 1.0
        strength = self._chance.uniform(15.0, 45.0)
        self._disturbance = tuple(axis / length * strength for axis in field)  # uT

    def at(self, time: float) -> Stand:
        """`time` in s of the course."""
        while self._until <= time:
            now = self._until
            self._stand = Stand(not self._stand.occupied, now, self._stand.changes + 1)
            self._until = self._lasts(now)
        return self._stand

    def field(self, time: float) -> tuple[float, float, float]:
        """What the car adds to the earth's field, uT: it grows as the car comes, with a wave."""
        stand = self.at(time)
        moved = min(max((time - stand.since) / _ARRIVES, 0.0), 1.0)
        share = moved if stand.occupied else 1.0 - moved
        if stand.changes == 0:
            share = float(stand.occupied)
        wave = 0.4 * math.sin(math.tau * moved) * (0.0 < moved < 1.0)
        x, y, z = self._disturbance
        return x * (share + wave), y * (share - wave), z * share

    def _lasts(self, now: float) -> float:
        """When it changes next."""
        if not self._stand.occupied:
            return self._comes(now)
        of_day = now % DAY
        if 6.5 * 3600 < of_day < 10.0 * 3600 and self._chance.random() < 0.6:  # stays for the work
            return now - of_day + 17.6 * 3600 + self._chance.gauss(0.0, 2400.0)
        return now + 240.0 + self._chance.expovariate(1.0 / _SHORT_STAY)

    def _comes(self, now: float) -> float:
        """Somebody looks for a space now and then, and more often in a rush."""
        while True:
            now += 20.0 + self._chance.expovariate(1.0 / _LOOKED_AT)
            if self._chance.random() < demand(self._rushes, now % DAY):
                return now
