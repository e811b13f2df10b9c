"""A street of our own: traces of any seed, with the truth, from a published signal model.

The field is the earth's plus dipoles: vehicles are 3 x 5 grids of them, with what the earth
induces and what has stayed from manufacture. Own bay, neighbours 2.5 m to either side, an aisle
6 m away, drift, noise. Figures: the signal model of the magnetometer fact file, whose vehicle
percentiles (car 11/32/120 uT at 5/50/95 %, adjacent bay 5 uT at 95 %) a test compares.
"""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Vector = tuple[float, float, float]
EARTH: Vector = (-2.0, 34.5, -36.0)  # uT east, north, up
Sample = tuple[float, float, float, float]  # s, uT
RATE = 5.0  # Hz
BAY = 2.5  # m from bay to bay
AISLE = 6.0  # m from the sensor to the middle of the aisle
APPROACH, SLOWING = 8.0, 1.5  # m


@dataclass(frozen=True)
class Weather:
    """How hard a scenario is."""

    noise: float  # uT, sigma per axis
    drift: float  # uT, peak to peak over two hours
    neighbours: bool = True
    traffic: float = 90.0  # s between vehicles in the aisle


SCENARIOS = {
    "calm": Weather(noise=0.05, drift=1.0, neighbours=False),
    "typical": Weather(noise=0.15, drift=6.0),
    "harsh": Weather(noise=0.4, drift=14.0),
}


class Dipole(NamedTuple):
    """Place (m, from the vehicle's middle) and moment (A m2)."""

    x: float
    y: float
    z: float
    mx: float
    my: float
    mz: float


def vehicle(luck: random.Random, kind: str) -> list[Dipole]:
    """A car, SUV, EV or truck; no two alike."""
    length, width = (8.0, 2.3) if kind == "truck" else (4.4, 1.7)
    low, high = (0.45, 0.85) if kind == "suv" else (0.3, 0.7)
    strength = {"ev": 0.55, "truck": 3.0}.get(kind, 1.0)
    total = math.hypot(*EARTH)
    dipoles = []
    for i in range(5):
        axle = {1: 1.8, 2: 0.8, 3: 1.8}.get(i, 1.0)
        for j in range(3):
            induced = luck.uniform(14, 40) * axle
            moment = [strength * (induced * e / total + luck.gauss(0, 18)) for e in EARTH]
            place = (width * (j / 2 - 0.5), length * (i / 4 - 0.5), luck.uniform(low, high))
            dipoles.append(Dipole(*place, *moment))
    return dipoles


def field_of(dipoles: Iterable[Dipole], x: float, y: float, *, turned: bool = False) -> Vector:
    """uT at the sensor, the vehicle's middle being at (x, y) m; `turned`: it drives along x."""
    bx = by = bz = 0.0
    for d in dipoles:
        rx, ry, rz = (-(x + d.y), -(y - d.x), -d.z) if turned else (-(x + d.x), -(y + d.y), -d.z)
        square = rx * rx + ry * ry + rz * rz
        inverse3 = 0.1 / (square * math.sqrt(square))
        along = 3.0 * (rx * d.mx + ry * d.my + rz * d.mz) / square
        bx += inverse3 * (along * rx - d.mx)
        by += inverse3 * (along * ry - d.my)
        bz += inverse3 * (along * rz - d.mz)
    return bx, by, bz


def way(speed: float) -> list[float]:
    """Metres still to go, a value per sample, from far away to standing."""
    left, course = APPROACH, []
    while left > 0.01:
        course.append(left)
        left -= max(0.05, speed * math.sqrt(min(1.0, left / SLOWING))) / RATE
    return [*course, 0.0]


class Trace(NamedTuple):
    """Samples and the truth: (t, occupied) of every park and leave."""

    samples: list[Sample]
    edges: list[tuple[float, bool]]


class Street:
    """Builds one trace: layers of field are added up, then noise and drift.

    `plan`: (arrival, departure) of each stay in the own bay, s; drawn where it is not given.
    """

    def __init__(
        self, weather: Weather, seed: int, plan: Sequence[tuple[float, float]] | None = None
    ) -> None:
        self.luck = random.Random(seed)
        self.weather = weather
        self.plan = self._stays(6) if plan is None else plan
        end = self.plan[-1][1] if self.plan else 3600.0
        self.length = round((end + self.luck.uniform(240, 540)) * RATE)
        self.field = [[e] * self.length for e in EARTH]
        self.edges: list[tuple[float, bool]] = []

    def _stays(self, count: int) -> list[tuple[float, float]]:
        stays, t = [], 120.0
        for _ in range(count):
            leaves = t + self.luck.uniform(240, 900)
            stays.append((t, leaves))
            t = leaves + self.luck.uniform(180, 600)
        return stays

    def build(self) -> Trace:
        for begin, end in self.plan:
            self._stay(begin, end, 0.0, own=True)
        if self.weather.neighbours:
            for side in (-BAY, BAY):
                self._neighbour(side)
        self._aisle()
        return Trace(list(self._samples()), self.edges)

    def _neighbour(self, side: float) -> None:
        t = self.luck.uniform(20, 600)
        while True:
            end = t + self.luck.uniform(240, 900)
            if end + 30 > self.length / RATE:
                return
            self._stay(t, end, side, own=False)
            t = end + self.luck.uniform(60, 600)

    def _stay(self, begin: float, end: float, side: float, *, own: bool) -> None:
        luck = self.luck
        dipoles = vehicle(luck, luck.choices(["car", "suv", "ev"], [60, 25, 15])[0])
        x, y = side + luck.gauss(0, 0.2), luck.gauss(0, 0.3)
        coming = [field_of(dipoles, x, y - left) for left in way(luck.uniform(0.8, 1.6))]
        going = [field_of(dipoles, x, y - left) for left in reversed(way(luck.uniform(0.8, 1.6)))]
        first, last = round(begin * RATE), round(end * RATE)
        self._add(first, coming)
        self._add(first + len(coming), [coming[-1]] * (last - first - len(coming)))
        self._add(last, going)
        if own:
            self.edges += [
                (begin + len(coming) / RATE - 4, True),
                (end + len(going) / RATE - 4, False),
            ]

    def _aisle(self) -> None:
        t = self.luck.expovariate(1 / self.weather.traffic)
        while t < self.length / RATE:
            kind = self.luck.choices(["car", "suv", "ev", "truck"], [55, 22, 13, 10])[0]
            dipoles = vehicle(self.luck, kind)
            speed = self.luck.choice([-1, 1]) * self.luck.uniform(2, 6)
            count = round(40 / abs(speed) * RATE)
            start = -math.copysign(20, speed)
            passing = [
                field_of(dipoles, start + speed * i / RATE, -AISLE, turned=True)
                for i in range(count)
            ]
            self._add(round(t * RATE), passing)
            t += self.luck.expovariate(1 / self.weather.traffic)

    def _add(self, first: int, values: Sequence[Vector]) -> None:
        for axis, total in enumerate(self.field):
            for i, value in enumerate(values[: max(0, self.length - first)], first):
                total[i] += value[axis]

    def _samples(self) -> Iterator[Sample]:
        luck, weather = self.luck, self.weather
        drifts = [
            (weather.drift / 2 * luck.uniform(0.3, 1), luck.uniform(0, 2 * math.pi)) for _ in EARTH
        ]
        for i in range(self.length):
            t = i / RATE
            x, y, z = (
                total[i]
                + size * math.sin(2 * math.pi * t / 7200 + phase)
                + luck.gauss(0, weather.noise)
                for total, (size, phase) in zip(self.field, drifts, strict=True)
            )
            yield t, round(x, 2), round(y, 2), round(z, 2)
