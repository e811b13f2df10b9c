"""The three models behind two questions: which plates are in this frame, which spaces are taken?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.camera.sight import Plate, Polygon
from drivers.camera.vision import boxes, reading, rectify, spaces
from drivers.camera.vision.arrays import Image
from drivers.camera.vision.runner import Model, load

BATCH = 64  # patches in one run


@dataclass(frozen=True, slots=True)
class Eyes:
    """Models that are None were not asked for. `size` is the detector's input, in pixels."""

    detector: Model | None = None
    reader: Model | None = None
    occupancy: Model | None = None
    size: int = 640

    @classmethod
    def open(cls, folders: Mapping[str, Path], size: int = 640) -> "Eyes":
        """`folders`: detector, reader, occupancy -> the folder with its card. Raises Misconfigured
        when a model is not what its card says."""
        models = {task: load(folder) for task, folder in folders.items()}
        return cls(models.get("detector"), models.get("reader"), models.get("occupancy"), size)

    @property
    def models(self) -> list[Model]:
        """Those that are there."""
        return [m for m in (self.detector, self.reader, self.occupancy) if m is not None]

    def plates(self, frame: Image) -> list[Plate]:
        """The surest first."""
        if self.detector is None:
            return []
        image, fit = boxes.letterbox(frame, self.size)
        raw = next(iter(self.detector.run(image).values()))[0]
        options = self.detector.card.options
        found = boxes.decode(raw, self.size, fit, options["threshold"], options["overlap"])
        return [self._read(frame, one) for one in found]

    def read(self, crop: Image) -> reading.Read | None:
        """A cut-out plate; None without a reader."""
        if self.reader is None:
            return None
        card = self.reader.card
        _, _, height, width = card.input.shape
        batch = reading.prepare([crop], width or reading.WIDTH, height or reading.HEIGHT)
        outputs = self.reader.run(batch)
        return reading.decode(outputs["text"][0], outputs["colour"][0], card.decode)

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
        chances: list[float] = []
        for start in range(0, len(images), BATCH):
            batch = spaces.prepare(images[start : start + BATCH])
            logits = next(iter(self.occupancy.run(batch).values()))
            chances += [float(p) for p in spaces.chances(logits.reshape(-1))]
        return chances

    def _read(self, frame: Image, found: boxes.Found) -> Plate:
        corners = found.corners
        quad = (corners[0], corners[1], corners[2], corners[3])
        crop = rectify.rectify(frame, quad)
        read = None if crop is None else self.read(crop)
        if read is None:
            return Plate(quad, found.score)
        return Plate(quad, found.score, read.text, read.colour, read.characters, read.confidence)
