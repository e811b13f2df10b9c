"""The threshold of one camera: nets rank well on a new camera, their 0.5 does not carry over.

From the first day alone: the value that best parts the chances into two groups (Otsu 1979, on
log-odds, so that what is nearly certain does not crowd at the ends). With the word of other
detectors on the same spaces: the value that is wrong least often.
"""

from collections.abc import Sequence
from math import exp, log

LEAST = 200  # looks
SHARE = 0.05  # of the looks that the smaller group must have
APART = 2.0  # log-odds between the means of the two groups
EDGE = 1e-4
BINS = 64


def odds(chance: float) -> float:
    within = min(max(chance, EDGE), 1 - EDGE)
    return log(within / (1 - within))


def chance_of(value: float) -> float:
    return 1 / (1 + exp(-value))


def from_looks(chances: Sequence[float], least: int = LEAST) -> float | None:
    """None while there are fewer than `least`, or only one kind."""
    values = sorted(map(odds, chances))
    if len(values) < least:
        return None
    split = _otsu(values)
    low, high = [v for v in values if v <= split], [v for v in values if v > split]
    if min(len(low), len(high)) < SHARE * len(values):
        return None
    if sum(high) / len(high) - sum(low) / len(low) < APART:
        return None
    return round(chance_of((low[-1] + high[0]) / 2), 3)


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


def _otsu(values: Sequence[float]) -> float:
    """Where the variance between the two groups is greatest; `values` sorted."""
    low, high = values[0], values[-1]
    width = (high - low) / BINS or 1.0
    counts, sums = [0] * BINS, [0.0] * BINS
    for value in values:
        place = min(int((value - low) / width), BINS - 1)
        counts[place] += 1
        sums[place] += value
    total, whole = len(values), sum(sums)
    best, best_score, n, s = low, -1.0, 0, 0.0
    for place in range(BINS - 1):
        n, s = n + counts[place], s + sums[place]
        if 0 < n < total:
            score = n * (total - n) * (s / n - (whole - s) / (total - n)) ** 2
            if score > best_score:
                best, best_score = low + (place + 1) * width, score
    return best
