"""What several reads of one plate say together. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from drivers.camera.sight import Plate


@dataclass(frozen=True, slots=True)
class Verdict:
    """`agreeing` reads say exactly `text`, of `reads` that say anything."""

    text: str
    colour: str
    confidence: float
    reads: int
    agreeing: int


def vote(plates: Sequence[Plate]) -> Verdict:
    """Each character is chosen by the confidence of those who read it, among the reads of the
    length that most confidence stands behind."""
    read = [plate for plate in plates if plate.text and plate.characters]
    if not read:
        return Verdict("", "", 0.0, 0, 0)
    same = _of_best_length(read)
    text, share = "", 1.0
    for place in range(len(same[0].text)):
        weights: dict[str, float] = defaultdict(float)
        for plate in same:
            weights[plate.text[place]] += plate.characters[place]
        best = max(weights, key=lambda character: weights[character])
        text += best
        share = min(share, weights[best] / max(sum(weights.values()), 1e-9))
    agreeing = [plate for plate in read if plate.text == text]
    certain = 1 - prod(1 - plate.confidence for plate in agreeing)
    return Verdict(text, _colour(read), round(share * certain, 4), len(read), len(agreeing))


def _of_best_length(read: Sequence[Plate]) -> list[Plate]:
    behind: dict[int, float] = defaultdict(float)
    for plate in read:
        behind[len(plate.text)] += plate.confidence
    best = max(behind, key=lambda length: behind[length])
    return [plate for plate in read if len(plate.text) == best]


def _colour(read: Sequence[Plate]) -> str:
    behind: dict[str, float] = defaultdict(float)
    for plate in read:
        behind[plate.colour] += plate.score
    return max(behind, key=lambda colour: behind[colour])
