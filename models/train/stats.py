"""Figures with their uncertainty."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Z = 1.959964  # two-sided 95 %


def wilson(right: int, of: int) -> tuple[float, float]:
    """95 % interval of a proportion; (0, 1) when nothing was seen."""
    if not of:
        return 0.0, 1.0
    p, z2 = right / of, Z * Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return middle - half, middle + half


def auc(negative: NDArray[np.floating], positive: NDArray[np.floating]) -> float:
    """Probability that a positive scores above a negative; ties count half."""
    low = np.searchsorted(np.sort(negative), positive, "left").sum()
    high = np.searchsorted(np.sort(negative), positive, "right").sum()
    return float((low + high) / 2 / (len(negative) * len(positive)))


def bootstrap(
    measure: Callable[[Sequence[NDArray[np.intp]]], float],
    sizes: Sequence[int],
    *,
    rounds: int = 400,
    seed: int = 1,
) -> tuple[float, float]:
    """95 % interval of `measure`, which takes the drawn positions for each of the groups."""
    rng = np.random.default_rng(seed)
    drawn = [measure([rng.integers(0, n, n) for n in sizes]) for _ in range(rounds)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)
