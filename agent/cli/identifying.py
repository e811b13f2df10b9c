"""Which of many devices somebody just touched: what changed most, measured by its own noise. Pure.

A value is compared with the median of those before it, in units of their median deviation, so that
a lively sensor needs more than a quiet one. What only rises (a counter) is judged by its steps,
what is no number by how seldom it is anything else.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any, TypeGuard

from agent.config.places import labels
from agent.contract import Value

KEPT = 60  # values that a new one is compared with, at most
LEARNED = 4  # and at least
NOTICED = 4.0  # a change that is shown; 4 median deviations are rare without a cause
SEEN, UNSEEN = 30.0, 20.0  # of another state, and of a value that is there no more or again
HALF_LIFE = 8.0  # s after which a change counts half
SIGMA = 1.4826  # of a normal distribution, in median deviations
RISING = 5  # steps up and none down: a counter
FEW = 8.0  # values, from which the noise is known half as well as it should be
MOST = 1000.0  # of a change where nothing ever moved
LEAST, COARSE = 0.002, 0.05  # of a value: no noise is smaller, no step of a sensor is larger

Line = Mapping[str, Any]
"""A reading as the control socket tells it: device, point, value, unit, t."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A device, or one of the detectors behind it."""

    device: str
    detector: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """`score`: how many times its own noise. `t` in unix s."""

    subject: Subject
    point: str
    before: Value | None
    now: Value | None
    unit: str
    score: float
    t: float

    def weight(self, t: float) -> float:
        """What it counts later."""
        return float(self.score * 0.5 ** (max(t - self.t, 0.0) / HALF_LIFE))


@dataclass(slots=True)
class Series:
    """What one point has said."""

    past: deque[Value | None] = field(default_factory=lambda: deque(maxlen=KEPT))

    def see(self, value: Value | None) -> tuple[Value | None, float]:
        """What was usual before, and how unusual this is."""
        usual, score = self.usual, self._score(value) if len(self.past) >= LEARNED else 0.0
        self.past.append(value)
        return usual, score

    @property
    def usual(self) -> Value | None:
        numbers = _numbers(self.past)
        if len(numbers) > len(self.past) / 2:
            return numbers[-1] if _rises(numbers) else median(numbers)
        return _commonest(self.past)[0]

    def _score(self, value: Value | None) -> float:
        numbers = _numbers(self.past)
        if len(numbers) <= len(self.past) / 2:
            usual, share = _commonest(self.past)
            return 0.0 if value == usual else SEEN * share**4
        if not _is_number(value):
            return UNSEEN
        if _rises(numbers):
            steps = [after - before for before, after in pairwise(numbers)]
            return _deviation(float(value) - numbers[-1], steps, median(steps))
        return _deviation(float(value), numbers, max(_step(numbers), LEAST * abs(median(numbers))))


def _is_number(value: Value | None) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(values: Iterable[Value | None]) -> list[float]:
    return [float(value) for value in values if _is_number(value)]


def _commonest(values: Iterable[Value | None]) -> tuple[Value | None, float]:
    """With its share."""
    counted = Counter(values)
    value, count = counted.most_common(1)[0] if counted else (None, 0)
    return value, count / max(counted.total(), 1)


def _rises(numbers: list[float]) -> bool:
    pairs = list(pairwise(numbers))
    up = sum(a < b for a, b in pairs)
    return up >= RISING and up > len(pairs) / 2 and all(a <= b for a, b in pairs)


def _step(numbers: list[float]) -> float:
    """The smallest that the sensor makes, as far as that may be taken for noise."""
    step = min((b - a for a, b in pairwise(sorted(set(numbers)))), default=0.0)
    size = abs(median(numbers))
    return min(step, COARSE * size) if size else step


def _deviation(value: float, usual: list[float], least: float) -> float:
    """In units of what is usual, which is not taken for smaller than `least`."""
    middle = median(usual)
    spread = SIGMA * median(abs(one - middle) for one in usual) * (1 + FEW / len(usual))
    return min(abs(value - middle) / max(spread, least, 1e-9), MOST)


class Ranking:
    """What changed, the most telling first. `shown` is what the last `ranked` returned."""

    def __init__(self) -> None:
        self.points = 0
        self.shown: list[Change] = []
        self._series: dict[tuple[str, str], Series] = {}
        self._changes: dict[Subject, Change] = {}
        self._last: dict[tuple[str, str], float] = {}
        self._detectors: dict[str, set[str]] = {}  # of each device

    def see(self, line: Line, subject: Subject | None = None) -> None:
        """One reading; an older one than the last, and the same once more, say nothing."""
        key = line["device"], line["point"]
        if line["t"] <= self._last.get(key, 0.0):
            return
        self._last[key] = line["t"]
        self._detectors.setdefault(key[0], set()).update(labels([key[1]]))
        series = self._series.setdefault(key, Series())
        self.points = len(self._series)
        usual, score = series.see(line["value"])
        if score >= NOTICED:
            about = subject or self._subject(*key)
            self._note(Change(about, key[1], usual, line["value"], line["unit"], score, line["t"]))

    def ranked(self, t: float) -> list[Change]:
        live = [one for one in self._changes.values() if one.weight(t) >= NOTICED]
        self._changes = {change.subject: change for change in live}
        self.shown = sorted(live, key=lambda one: one.weight(t), reverse=True)
        return self.shown

    def begin_anew(self) -> None:
        """What changed until now was nothing; what is usual stays known."""
        self._changes.clear()

    @property
    def devices(self) -> int:
        return len({device for device, _ in self._series})

    def _subject(self, device: str, point: str) -> Subject:
        """The detector whose label the point ends in, else the device."""
        end = point.rpartition("_")[2]
        return Subject(device, end if end in self._detectors[device] else "")

    def _note(self, change: Change) -> None:
        before = self._changes.get(change.subject)
        if before is None or change.score >= before.weight(change.t):
            self._changes[change.subject] = change
