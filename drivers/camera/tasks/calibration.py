"""The threshold of one camera, or of one space: where free and taken are best told apart. Pure.

A net that sees a place for the first time may lean: what it says of free spaces there may lie above
0.5, or of taken ones below. From looks alone: their log-odds lie in two heaps with a valley between
them. A threshold in the valley is left as it is, since where in the valley it should be cannot be
known without labels; one that cuts into a heap is moved to the valley's middle. With the word of
others on the same spaces: the value that is wrong least often.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log

LEAST = 200  # looks
SHARE = 0.1  # of the looks that the smaller heap must have
APART = 2.0  # log-odds between the tops of the heaps
DEPTH = 0.5  # of the lower top: what is below belongs to the valley
EDGE = 6.0  # log-odds; what is surer is counted there
WIDTH = 0.25  # log-odds of a bin
BINS = round(2 * EDGE / WIDTH)
REACH, BLUR = 6, 2.0  # bins: the bell that smooths the counts, and its standard deviation
BELL = [exp(-((step / BLUR) ** 2) / 2) for step in range(-REACH, REACH + 1)]


def odds(chance: float) -> float:
    within = min(max(chance, 1e-9), 1 - 1e-9)
    return log(within / (1 - within))


def chance_of(value: float) -> float:
    return 1 / (1 + exp(-value))


def bin_of(chance: float) -> int:
    return min(max(int((odds(chance) + EDGE) / WIDTH), 0), BINS - 1)


def counted(chances: Iterable[float]) -> list[int]:
    """How many lie in each bin of log-odds."""
    counts = [0] * BINS
    for chance in chances:
        counts[bin_of(chance)] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Valley:
    """Between two heaps, in log-odds."""

    low: float
    high: float

    def settle(self, threshold: float) -> float:
        """The threshold (a chance), moved where it cuts into a heap."""
        if self.low <= odds(threshold) <= self.high:
            return threshold
        return round(chance_of((self.low + self.high) / 2), 3)


def from_looks(chances: Sequence[float], least: int = LEAST, usual: float = 0.5) -> float | None:
    """None while there are fewer than `least`, or only one heap; `usual` where that will do."""
    found = valley(counted(chances), least)
    return None if found is None else found.settle(usual)


def valley(counts: Sequence[int], least: int = LEAST, share: float = SHARE) -> Valley | None:
    """Of `BINS` counts; None where they are too few, or no two heaps."""
    total = sum(counts)
    if total < max(least, 1):
        return None
    smooth = [_around(counts, place) for place in range(BINS)]
    below, best, depth = 0, None, DEPTH
    for place in range(1, BINS - 1):
        below += counts[place - 1]
        if min(below, total - below - counts[place]) < share * total:
            continue
        left, right = _top(smooth, 0, place), _top(smooth, place + 1, BINS)
        deep = smooth[place] / min(smooth[left], smooth[right])
        if deep < depth and (right - left) * WIDTH >= APART:
            best, depth = (place, DEPTH * min(smooth[left], smooth[right])), deep
    return None if best is None else _stretch(smooth, *best)


def from_labels(chances: Sequence[float], occupied: Sequence[bool]) -> float | None:
    """The threshold with the best mean of both classes' accuracy; None without both classes."""
    pairs = sorted(zip(map(odds, chances), occupied, strict=True))
    taken = sum(occupied)
    free = len(pairs) - taken
    if not taken or not free:
        return None
    best, best_score, below = 0.0, -1.0, [0, 0]
    for place, (value, is_taken) in enumerate(pairs):
        below[is_taken] += 1
        score = below[False] / free + (taken - below[True]) / taken
        if score > best_score and place + 1 < len(pairs):
            best, best_score = (value + pairs[place + 1][0]) / 2, score
    return round(chance_of(best), 3)


def _around(counts: Sequence[int], place: int) -> float:
    """The counts near a bin, the nearer the more."""
    first, last = max(0, place - REACH), min(BINS, place + REACH + 1)
    return sum(counts[n] * BELL[n - place + REACH] for n in range(first, last))


def _top(smooth: Sequence[float], first: int, end: int) -> int:
    return max(range(first, end), key=smooth.__getitem__)


def _stretch(smooth: Sequence[float], place: int, level: float) -> Valley:
    low = high = place
    while smooth[low - 1] <= level:
        low -= 1
    while smooth[high + 1] <= level:
        high += 1
    return Valley(low * WIDTH - EDGE, (high + 1) * WIDTH - EDGE)
