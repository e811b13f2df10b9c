"""A new model beside the one in use: on some looks both answer, how often they agree is counted.

Agreement of a look: the detectors find the same plates (their boxes overlap by half or more), the
readers read the same text on the current detector's plates, the occupancy nets say the same of each
space. A look that shows nothing counts only for detectors that both found nothing in it.
"""

import json
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from drivers.camera.sight import Box, Plate, Polygon

if TYPE_CHECKING:
    from drivers.camera.eyes import Eyes
    from drivers.camera.vision.arrays import Image

EVERY = 10  # looks, of which the candidates see one
OVERLAP = 0.5  # intersection over union
AGREE, LOOKS = 0.98, 500  # of so many looks so many must agree before a model may take over
MEMORY = "shadow"  # the key in a camera's memory
MOST = 8  # models that are remembered

Tally = tuple[int, int]  # looks, of which they agreed


@dataclass(slots=True)
class Shadow:
    """`candidates` has only the models that are on trial, `beside` those in use: a detector is
    tried together with the reader in use. `tallies`: by the model's sha256."""

    candidates: "Eyes"
    thresholds: Mapping[str, float] = field(default_factory=dict)
    beside: "Eyes | None" = None
    tallies: dict[str, Tally] = field(default_factory=dict)
    _looks: int = 0

    def turn(self) -> None:
        """A new look; of ten the candidates see one."""
        self._looks += 1

    def plates(self, frame: "Image", plates: Sequence[Plate]) -> None:
        """What the current models found in a frame that nothing was blurred in yet."""
        new = self.candidates
        if not self._due:
            return
        if new.detector is not None:
            whole = replace(self.beside or new, detector=new.detector)
            boxes = [plate.box for plate in whole.plates(frame)]
            self._count(new.detector.card.sha256, same_boxes([p.box for p in plates], boxes))
        if new.reader is not None and plates:
            self._count(new.reader.card.sha256, self._same_texts(frame, plates))

    def spaces(
        self, frame: "Image", polygons: Mapping[str, Polygon], chances: Mapping[str, float]
    ) -> None:
        """And which spaces they hold for taken."""
        new = self.candidates
        if self._due and new.occupancy is not None and chances:
            same = same_states(chances, new.occupied(frame, polygons), self.thresholds)
            self._count(new.occupancy.card.sha256, same)

    @property
    def _due(self) -> bool:
        return self._looks % EVERY == 1

    def take(self) -> dict[str, Tally]:
        """What was counted since the last time."""
        counted, self.tallies = self.tallies, {}
        return counted

    def _same_texts(self, frame: "Image", plates: Sequence[Plate]) -> bool:
        from drivers.camera.vision.rectify import rectify

        for plate in plates:
            crop = rectify(frame, plate.corners)
            read = None if crop is None else self.candidates.read(crop)
            if (read.text if read is not None else "") != plate.text:
                return False
        return True

    def _count(self, model: str, same: bool) -> None:
        looks, agreed = self.tallies.get(model, (0, 0))
        self.tallies[model] = looks + 1, agreed + same


def same_boxes(one: Sequence[Box], other: Sequence[Box]) -> bool:
    """Each has its counterpart."""
    left = list(other)
    for box in one:
        match = max(left, key=lambda o: overlap(box, o), default=None)
        if match is None or overlap(box, match) < OVERLAP:
            return False
        left.remove(match)
    return not left


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return common / (areas - common)


def same_states(
    one: Mapping[str, float], other: Mapping[str, float], thresholds: Mapping[str, float]
) -> bool:
    """Of all spaces."""
    usual = thresholds.get("", 0.5)

    def taken(chances: Mapping[str, float]) -> dict[str, bool]:
        return {space: p >= thresholds.get(space, usual) for space, p in chances.items()}

    return taken(one) == taken(other)


def remember(memory: MutableMapping[str, str], counted: Mapping[str, Tally]) -> Tally:
    """Adds to a camera's memory; looks and agreements of those models, with what was before."""
    known = _known(memory)
    for model, (looks, agreed) in counted.items():
        before = known.pop(model, (0, 0))
        known[model] = before[0] + looks, before[1] + agreed
    kept = dict(list(known.items())[-MOST:])
    memory[MEMORY] = json.dumps(kept)
    mine = [kept[model] for model in counted if model in kept]
    return sum(looks for looks, _ in mine), sum(agreed for _, agreed in mine)


def tally(memories: Iterable[Mapping[str, str]], model: str) -> Tally:
    """Of one model by its sha256, over the memories of several cameras."""
    each = [_known(memory).get(model, (0, 0)) for memory in memories]
    return sum(looks for looks, _ in each), sum(agreed for _, agreed in each)


def agrees(looks: int, agreed: int, share: float = AGREE, least: int = LOOKS) -> bool:
    """Often enough to take over."""
    return looks >= least and agreed >= share * looks


def _known(memory: Mapping[str, str]) -> dict[str, Tally]:
    try:
        raw = json.loads(memory.get(MEMORY, "{}"))
        return {str(model): (int(n), int(k)) for model, (n, k) in raw.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
