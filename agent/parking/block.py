"""Samples gathered into blocks of a second, which is all that the decisions look at."""

from typing import NamedTuple

Vector = tuple[float, float, float]


def distance(a: Vector, b: Vector) -> float:
    """L1, uT. Not the norm: under parts of a chassis the norm equals that of the empty field."""
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2])


def plus(a: Vector, b: Vector, share: float = 1.0) -> Vector:
    return a[0] + share * b[0], a[1] + share * b[1], a[2] + share * b[2]


def minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


class Block(NamedTuple):
    """What a second of samples comes to."""

    end: float  # s, of its last sample
    mean: Vector  # uT
    low: Vector  # uT, of each axis
    high: Vector  # uT
    step: float  # uT, L1 from one sample to the next, at most
    pause: float  # s between samples

    @property
    def span(self) -> float:
        """uT, L1 between the extremes."""
        return distance(self.high, self.low)


class Gatherer:
    """Takes samples, gives a block whenever one is full."""

    __slots__ = ("_begin", "_last", "_length", "_samples", "_xs", "_ys", "_zs")

    def __init__(self, length: float, samples: int) -> None:
        """Blocks of at least that many seconds and samples."""
        self._length = length - 1e-6  # sampling times are rounded
        self._samples = samples
        self.clear()

    def clear(self) -> None:
        """Forget the block that is not full; the next sample begins one."""
        self._begin: float | None = None
        self._last: Vector | None = None
        self._xs: list[float] = []
        self._ys: list[float] = []
        self._zs: list[float] = []

    def add(self, t: float, x: float, y: float, z: float) -> Block | None:
        """The block that this sample ends, if it does. s and uT; t grows."""
        if self._begin is None:
            self._begin = t
        self._xs.append(x)
        self._ys.append(y)
        self._zs.append(z)
        full = t - self._begin >= self._length and len(self._xs) >= self._samples
        return self._close(t, self._begin) if full else None

    def _close(self, t: float, begin: float) -> Block:
        xs, ys, zs, n = self._xs, self._ys, self._zs, len(self._xs)
        samples = list(zip(xs, ys, zs, strict=True))
        before = [self._last or samples[0], *samples]
        block = Block(
            end=t,
            mean=(sum(xs) / n, sum(ys) / n, sum(zs) / n),
            low=(min(xs), min(ys), min(zs)),
            high=(max(xs), max(ys), max(zs)),
            step=max(map(distance, before, samples)),
            pause=(t - begin) / n,
        )
        self.clear()
        self._begin, self._last = t, samples[-1]
        return block
