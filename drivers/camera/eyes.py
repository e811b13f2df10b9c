"""The three models behind two questions: which plates are in this frame, which spaces are taken?

All shapes and decoders come from the models' cards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.camera.sight import Plate, Polygon
from drivers.camera.vision import boxes, closer, feeding, recognising, rectify, spaces, yolo
from drivers.camera.vision.arrays import Image
from drivers.camera.vision.card import DETECTORS, Card, refused
from drivers.camera.vision.grammar import kind_of
from drivers.camera.vision.lean import Lean, upright
from drivers.camera.vision.reading import Read
from drivers.camera.vision.runner import Model, load

BATCH = 64  # patches in one run
DOUBLE = 0.5  # of the detector's `two_line`: from here on it is believed
ODD = 0.5  # what a text that fits no layout says for a plate, that of one being 1
SHORT = 7  # characters; those that are missing speak against a plate
SIZE, SURE, OVERLAP = 640, 0.5, 0.45  # where neither the caller nor the card says
DECODERS = {
    "detector": DETECTORS,
    "reader": ("slots", "ctc_greedy"),
    "occupancy": ("sigmoid",),
}


@dataclass(frozen=True, slots=True)
class Eyes:
    """Models that are None were not asked for. `size` is the detector's input, in pixels, and
    `threshold` how sure a plate has to be; None: what the detector's card says."""

    detector: Model | None = None
    reader: Model | None = None
    occupancy: Model | None = None
    size: int | None = None
    threshold: float | None = None

    @classmethod
    def open(
        cls, folders: Mapping[str, Path], size: int | None = None, lean: Lean | None = None
    ) -> "Eyes":
        """`folders`: detector, reader, occupancy -> the folder with its card; `lean`: what corrects
        the occupancy net. Raises Misconfigured when a model is not what its card says."""
        models = {name: fitting(name, load(folder)) for name, folder in folders.items()}
        if lean is not None and "occupancy" in models:
            models["occupancy"] = upright(models["occupancy"], lean)
        return cls(models.get("detector"), models.get("reader"), models.get("occupancy"), size)

    @property
    def models(self) -> list[Model]:
        """Those that are there."""
        return [m for m in (self.detector, self.reader, self.occupancy) if m is not None]

    def plates(self, frame: Image) -> list[Plate]:
        """Those that are sure enough, the surest first. With a reader, what the detector doubts is
        a plate when it reads as one, and what it is not certain of is none when it reads as
        nothing."""
        return [plate for plate in self.perhaps(frame) if self.sure(plate)]

    def perhaps(self, frame: Image) -> list[Plate]:
        """All that may be a plate, the surest first."""
        found = self.found(frame, min(self._least, self._doubt))
        return sorted((self._read(frame, one) for one in found), key=lambda plate: -plate.score)

    def sure(self, plate: Plate) -> bool:
        """Whether it is to be told."""
        return plate.score >= self._least

    def found(self, frame: Image, least: float | None = None) -> list[boxes.Found]:
        """Plates that the detector alone is so sure of, not read; the surest first."""
        if self.detector is None:
            return []
        card, least = self.detector.card, self._least if least is None else least
        size = self.size or int(card.options.get("size", SIZE))
        batch, fit = feeding.frame(frame, card, size)
        raw = self.detector.run(batch)[card.outputs[0].name][0]
        overlap = card.options.get("overlap", OVERLAP)
        if card.decode != "corners_v1":
            return yolo.decode(raw, card, fit, least, overlap)
        if not self._looks_twice:
            return boxes.decode(raw, batch.shape[3], fit, least, overlap)
        doubt = min(least, self._doubt)
        faint = closer.FAINT * doubt
        first = boxes.decode(raw, batch.shape[3], fit, faint, overlap)
        first = closer.worth(first, doubt, fit.scale)
        again = [closer.settled(one, self._closely(frame, one)) for one in first]
        return closer.apart([one for one in again if one.score >= least], overlap)

    @property
    def _least(self) -> float:
        """From here on a plate is one."""
        return self._option("threshold", SURE) if self.threshold is None else self.threshold

    @property
    def _doubt(self) -> float:
        """From here on it may be one."""
        return self._option("doubt", self._least)

    def _option(self, name: str, usual: float) -> float:
        return usual if self.detector is None else self.detector.card.options.get(name, usual)

    @property
    def _looks_twice(self) -> bool:
        """Our own kind of detector, which takes any size."""
        card = None if self.detector is None else self.detector.card
        return card is not None and card.decode == "corners_v1" and not card.size[0]

    def _closely(self, frame: Image, one: boxes.Found) -> list[boxes.Found]:
        """What a second look there sees; nothing where the detector takes one size only."""
        if self.detector is None or not self._looks_twice:
            return []
        card = self.detector.card
        batch, fit = closer.cut(frame, one)
        raw = self.detector.run(batch)[card.outputs[0].name][0]
        overlap = card.options.get("overlap", OVERLAP)
        return boxes.decode(raw, closer.SIDE, fit, closer.DOUBT, overlap)

    def read(self, crop: Image, *, two_line: bool | None = None) -> Read | None:
        """A cut-out plate; `two_line` None: as its shape says. What seems to have two lines is read
        as one line, too, and the surer read counts: a tilted plate is as high as one of two lines.
        None without a reader."""
        if self.reader is None:
            return None
        card, ways = self.reader.card, [crop]
        double = recognising.looks_two_line(crop) if two_line is None else two_line
        if double and recognising.splits(card):
            ways.append(recognising.joined(crop))
        reads = [recognising.decode(self.reader.run(feeding.plate(w, card)), card) for w in ways]
        return max(reads, key=believable)

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
        score = (found.score + believable(read)) / 2
        return Plate(quad, score, read.text, read.colour, read.characters, read.confidence)


def believable(read: Read) -> float:
    """How far a text speaks for a plate: its characters' mean confidence, less where it is short or
    fits no layout; 0 to 1."""
    mean = sum(read.characters) / max(SHORT, len(read.characters))
    return mean if kind_of(read.text) else ODD * mean


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
