"""The grid of instants at which a device is due. Absolute, so that nothing drifts."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil, floor

SPREAD = 5.0  # s within which every device has been due once, however long its period
GRAIN = 0.02  # s: first beats of all wires are multiples of it, so that one wake-up serves several


def beat_after(beat: float, period: float, now: float) -> float:
    """The first instant after `now` on the grid that `beat` and `period` span."""
    return beat + (floor((now - beat) / period) + 1) * period


def first_beats(periods: Sequence[float], start: float) -> list[float]:
    """Devices of the same period are spread evenly, so that they do not all come at once."""
    count, place = Counter(periods), defaultdict[float, int](int)
    beats = []
    for period in periods:
        offset = min(period, SPREAD) * place[period] / count[period]
        beats.append(ceil((start + offset) / GRAIN) * GRAIN)
        place[period] += 1
    return beats
