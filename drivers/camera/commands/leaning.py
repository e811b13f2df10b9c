"""What corrects the occupancy net at a camera, from labels, and how well it does elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from drivers.camera.vision.lean import Lean, Open, fit
from drivers.camera.vision.spaces import chances

if TYPE_CHECKING:
    from drivers.camera.eyes import Eyes
    from drivers.camera.vision.arrays import Floats, Image

Name = tuple[str, str]  # file name, space ("" for a cut-out one)
LEAST, KIND = 100, 20  # labels, and of each of the two kinds
FOLDS = 5
Z = 1.96  # 95 %, two-sided


@dataclass(slots=True)
class Senses:
    """What the net makes of each space in each picture; features of those with a label only."""

    eyes: "Eyes"
    known: Mapping[Name, bool]
    chances: dict[Name, float] = field(default_factory=dict)
    logits: dict[Name, float] = field(default_factory=dict)
    features: dict[Name, "Floats"] = field(default_factory=dict)
    net: Open | None = None

    def __post_init__(self) -> None:
        if self.known and self.eyes.occupancy is not None:
            self.net = Open.of(self.eyes.occupancy)

    def look(self, file: str, patches: Mapping[str, "Image"]) -> None:
        """`patches`: of one picture, by space."""
        names = [(file, space) for space in patches]
        if self.net is None or not names:
            found = self.eyes.patches(list(patches.values()))
            self.chances |= dict(zip(names, found, strict=True))
            return
        logits, features = self.net.sensed(list(patches.values()))
        for name, logit, chance, one in zip(names, logits, chances(logits), features, strict=True):
            self.chances[name] = float(chance)
            if name in self.known:
                self.logits[name], self.features[name] = float(logit), one


@dataclass(frozen=True, slots=True)
class Corrected:
    """`accuracy`: mean of both kinds', of pictures by corrections from the other pictures; and half
    of its 95 % interval."""

    lean: Lean
    accuracy: float
    half: float


def correct(senses: Senses) -> Corrected | None:
    """None where the labels are too few, of one kind, or in pictures that cannot be parted."""
    names = sorted(senses.features)
    taken = np.array([senses.known[name] for name in names], bool)
    if len(names) < LEAST or min(taken.sum(), (~taken).sum()) < KIND:
        return None
    logits = np.array([senses.logits[name] for name in names], np.float32)
    features = np.array([senses.features[name] for name in names], np.float32)
    files = sorted({file for file, _ in names})
    if len(files) < FOLDS:
        return None
    fold_of = {file: place * FOLDS // len(files) for place, file in enumerate(files)}
    folds = np.array([fold_of[file] for file, _ in names])
    judged = np.zeros(len(names), np.float32)
    for fold in range(FOLDS):
        away = folds == fold
        if taken[~away].all() or not taken[~away].any():
            return None
        lean = fit(logits[~away], features[~away], taken[~away])
        judged[away] = lean.correct(logits[away], features[away])
    right = [(judged[taken] >= 0).tolist(), (judged[~taken] < 0).tolist()]
    return Corrected(fit(logits, features, taken), *_mean(right))


def _mean(kinds: Sequence[Sequence[bool]]) -> tuple[float, float]:
    shares = [sum(kind) / len(kind) for kind in kinds]
    spread = sum(s * (1 - s) / len(kind) for s, kind in zip(shares, kinds, strict=True))
    return sum(shares) / 2, Z * sqrt(spread) / 2
