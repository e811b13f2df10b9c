"""How the occupancy net leans at one camera, and what sets it upright.

With the word of others on a few hundred spaces, a correction of the last layer is fitted: logistic
regression on what that layer takes, on top of the net's own answer and held near it, both kinds
counting alike. The net itself stays as it is.
"""

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.camera.vision import runner, tap
from drivers.camera.vision.arrays import Floats, Image
from drivers.camera.vision.card import Card, refused
from drivers.camera.vision.spaces import SIZE, prepare

if TYPE_CHECKING:
    import onnxruntime

STIFF = 5.0  # how firmly the correction is held near none
STEPS = 40
STRIDE = 2.0  # log-odds that one step may move an answer by
FEW = 0.1  # deviation of a feature below which it counts as still
BATCH = 32


@dataclass(frozen=True, slots=True)
class Lean:
    """Added to a logit: `weights` (k,) times the features, and `bias`."""

    weights: Floats
    bias: float

    def correct(self, logits: Floats, features: Floats) -> Floats:
        """(n,), (n, k)"""
        return np.asarray(logits + features @ self.weights + self.bias, np.float32)

    def to_text(self) -> str:
        return base64.b64encode(np.append(self.weights, self.bias).astype("<f4").tobytes()).decode()

    @classmethod
    def from_text(cls, text: str) -> "Lean":
        """What `to_text` made. Raises ValueError."""
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
        return cls(values[:-1].astype(np.float32), float(values[-1]))


class Open(runner.Model):
    """An occupancy net that also says what its last layer takes; `lean` corrects its answers."""

    def __init__(self, card: Card, session: "onnxruntime.InferenceSession", inner: str) -> None:
        super().__init__(card, session)
        self._inner = inner
        self.lean: Lean | None = None

    @classmethod
    def of(cls, model: runner.Model) -> "Open | None":
        """None for a net whose last layer is no linear one."""
        data = model.card.file.read_bytes()
        inner = tap.inner(data, model.card.outputs[0].name)
        if inner is None:
            return None
        return cls(model.card, runner.session(model.card, tap.tapped(data, inner)), inner)

    def run(self, batch: Floats) -> dict[str, Floats]:
        """The outputs by name, corrected."""
        logits, features = self.felt(batch)
        if self.lean is not None:
            logits = self.lean.correct(logits, features)
        return {self.card.outputs[0].name: logits}

    def felt(self, batch: Floats) -> tuple[Floats, Floats]:
        """(n,) logits and (n, k) features, as the net has them."""
        names = [self.card.outputs[0].name, self._inner]
        logits, features = self._session.run(names, {self.card.input.name: batch})
        return logits.reshape(-1), features.reshape(len(batch), -1)

    def sensed(self, images: list[Image]) -> tuple[Floats, Floats]:
        """The same of patches of any size."""
        size = self.card.size[0] or SIZE
        parts = [
            self.felt(prepare(images[start : start + BATCH], size))
            for start in range(0, len(images), BATCH)
        ]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def upright(model: runner.Model, lean: Lean) -> runner.Model:
    """The net with that correction. Raises Misconfigured when it was fitted to another."""
    found = Open.of(model)
    sides = model.card.input.shape[1:]
    blank = np.zeros((1, *(side or SIZE for side in sides)), np.float32)
    if found is None or found.felt(blank)[1].shape[1] != len(lean.weights):
        raise refused(model.card.file.parent, "the camera's calibration is of another model")
    found.lean = lean
    return found


def fit(logits: Floats, features: Floats, occupied: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
        stiff: float = STIFF) -> Lean:  # fmt: skip
    """`logits` (n,), `features` (n, k), `occupied` (n,) with both kinds in it."""
    share = occupied.mean()
    weights = np.where(occupied, 0.5 / share, 0.5 / (1 - share))
    middle, spread = features.mean(0), features.std(0) + FEW
    x = np.c_[(features - middle) / spread, np.ones(len(features))].astype(np.float64)
    held = np.diag([*[stiff] * features.shape[1], 1e-3])
    found = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(logits + x @ found, -30, 30)))
        slope = x.T @ (weights * (p - occupied)) + held @ found
        bend = (x * (weights * p * (1 - p))[:, None]).T @ x + held
        step = np.linalg.solve(bend, slope)
        stride = float(np.abs(x @ step).max())
        found -= step * min(1.0, STRIDE / max(stride, 1e-9))
        if stride < 1e-3:
            break
    turned = found[:-1] / spread
    return Lean(turned.astype(np.float32), float(found[-1] - middle @ turned))
