"""Figures with their uncertainty."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.camera.vision.boxes import Found

Z = 1.959964  # two-sided 95 %


def wilson(right: int, of: int) -> tuple[float, float]:
    """95 % interval of a proportion; (0, 1) when nothing was seen."""
    if not of:
        return 0.0, 1.0
    p, z2 = right / of, Z * Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


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


@dataclass(frozen=True)
class Match:
    """One frame: (score, best overlap with a plate, that plate) of each find, and the plates."""

    finds: tuple[tuple[float, float, int], ...]
    plates: int
    corner_errors: tuple[float, ...]  # of finds that overlap by half, in parts of the plate's width


def box_of(corners: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float64)


def overlap(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Intersection over union of two boxes."""
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    areas = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()
    return float(shared / max(areas - shared, 1e-9))


def match_frame(
    found: Sequence[Found], plates: Sequence[tuple[NDArray[np.float32], bool]]
) -> Match:
    """Finds on plates that are to be ignored count neither way."""
    finds, errors = [], []
    order = [k for k, (_, ignored) in enumerate(plates) if not ignored]
    for each in found:
        corners = np.array(each.corners)
        shares = [overlap(box_of(corners), box_of(true)) for true, _ in plates]
        best = int(np.argmax(shares)) if shares else -1
        if best >= 0 and plates[best][1] and shares[best] > 0.3:
            continue
        share = shares[best] if best >= 0 else 0.0
        finds.append((each.score, share, order.index(best) if best in order else -1))
        if share > 0.5:
            true = plates[best][0]
            width = float(np.hypot(*(true[1] - true[0])))
            errors.append(float(np.hypot(*(corners - true).T).mean()) / width)
    return Match(tuple(finds), len(order), tuple(errors))


def average_precision(matches: Sequence[Match], least: float) -> float:
    """Area under precision over recall; a find is right when it overlaps a plate by `least` and
    is the surest on that plate."""
    ranked = sorted(
        (
            (score, share, (frame, plate))
            for frame, match in enumerate(matches)
            for score, share, plate in match.finds
        ),
        reverse=True,
    )
    taken: set[tuple[int, int]] = set()
    right = np.zeros(len(ranked))
    for place, (_, share, key) in enumerate(ranked):
        if share >= least and key[1] >= 0 and key not in taken:
            taken.add(key)
            right[place] = 1
    total = sum(match.plates for match in matches)
    if not total or not ranked:
        return 0.0
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(ranked) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * right).sum() / total)
