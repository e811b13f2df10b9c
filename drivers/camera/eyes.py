"""The three models behind two questions: which plates are in this frame, which spaces are taken?

All shapes and decoders come from the models' cards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.camera.sight import Plate, Polygon
from drivers.camera.vision import boxes, feeding, recognising, rectify, spaces, yolo
from drivers.camera.vision.arrays import Image
from drivers.camera.vision.card import DETECTORS, Card, refused
from drivers.camera.vision.reading import Read
from drivers.camera.vision.runner import Model, load

BATCH = 64  # patches in one run
DOUBLE = 0.5  # of the detector's `two_line`: from here on it is believed
SIZE, SURE, OVERLAP = 640, 0.5, 0.45  # where neither the caller nor the card says
DECODERS = {
    "detector": DETECTORS,
    "reader": ("slots", "ctc_greedy"),
    "occupancy": ("sigmoid",),
}


@dataclass(frozen=True, slots=True)
class Eyes:
    """Models that are None were not asked for. `size` is the detector's input, in pixels, and
    `threshold` how sure it has to be; None: what its card says."""

    detector: Model | None = None
    reader: Model | None = None
    occupancy: Model | None = None
    size: int | None = None
    threshold: float | None = None

    @classmethod
    def open(cls, folders: Mapping[str, Path], size: int | None = None) -> "Eyes":
        """`folders`: detector, reader, occupancy -> the folder with its card. Raises Misconfigured
        when a model is not what its card says."""
        models = {name: fitting(name, load(folder)) for name, folder in folders.items()}
        return cls(models.get("detector"), models.get("reader"), models.get("occupancy"), size)

    @property
    def models(self) -> list[Model]:
        """Those that are there."""
        return [m for m in (self.detector, self.reader, self.occupancy) if m is not None]

    def plates(self, frame: Image) -> list[Plate]:
        """The surest first."""
        return [self._read(frame, one) for one in self.found(frame)]

    def found(self, frame: Image) -> list[boxes.Found]:
        """Plates, not read; the surest first."""
        if self.detector is None:
            return []
        card = self.detector.card
        size = self.size or int(card.options.get("size", SIZE))
        batch, fit = feeding.frame(frame, card, size)
        raw = self.detector.run(batch)[card.outputs[0].name][0]
        options = card.options
        least = options.get("threshold", SURE) if self.threshold is None else self.threshold
        overlap = options.get("overlap", OVERLAP)
        if card.decode != "corners_v1":
            return yolo.decode(raw, card, fit, least, overlap)
        return boxes.decode(raw, batch.shape[3], fit, least, overlap)

    def read(self, crop: Image, *, two_line: bool | None = None) -> Read | None:
        """A cut-out plate; `two_line` None: as its shape says. None without a reader."""
        if self.reader is None:
            return None
        card = self.reader.card
        if recognising.splits(card):
            double = recognising.looks_two_line(crop) if two_line is None else two_line
            crop = recognising.joined(crop) if double else crop
        return recognising.decode(self.reader.run(feeding.plate(crop, card)), card)

    def occupied(self, frame: Image, polygons: Mapping[str, Polygon]) -> dict[str, float]:
        """The chance that each space is taken."""
        if self.occupancy is None or not polygons:
            return {}
        patches = [spaces.patch(frame, polygon) for polygon in polygons.values()]
        return dict(zip(polygons, self.patches(patches), strict=True))

    def patches(self, images: Sequence[Image]) -> list[float]:
        """The chance that a vehicle stands in each patch."""
        if self.occupancy is None:
            return []
        card = self.occupancy.card
        chances: list[float] = []
        for start in range(0, len(images), BATCH):
            batch = spaces.prepare(images[start : start + BATCH], card.size[0] or spaces.SIZE)
            logits = self.occupancy.run(batch)[card.outputs[0].name]
            chances += [float(p) for p in spaces.chances(logits.reshape(-1))]
        return chances

    def _read(self, frame: Image, found: boxes.Found) -> Plate:
        corners = found.corners
        quad = (corners[0], corners[1], corners[2], corners[3])
        crop = rectify.rectify(frame, quad)
        read = None if crop is None else self.read(crop, two_line=found.two_line >= DOUBLE)
        if read is None:
            return Plate(quad, found.score)
        return Plate(quad, found.score, read.text, read.colour, read.characters, read.confidence)


def fitting(name: str, model: Model) -> Model:
    """Raises Misconfigured for a model of another trade."""
    card = model.card
    if card.decode not in DECODERS[name]:
        raise refused(card.file.parent, "a {name} cannot decode {how}", name=name, how=card.decode)
    if name == "occupancy" and not _is_patch_model(card):
        raise refused(card.file.parent, "an occupancy net takes BGR squares, normalise: patch")
    return model


def _is_patch_model(card: Card) -> bool:
    width, height = card.size
    return card.normalise == "patch" and width == height
