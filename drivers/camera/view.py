"""Measures how well a camera sees, and whether it still looks where it looked. Child side."""

import base64
import binascii
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.camera.sight import View

Gray = NDArray[np.uint8]

FEATURES = 300
RATIO = 0.8  # of the distances to the nearest and the second nearest match (Lowe 2004)
AGREE = 3.0  # pixels that a match may be off the common movement
LEAST = 12  # agreeing matches that make a movement believable
BURNT = 250  # gray level


def quarter(image: NDArray[np.uint8]) -> Gray:
    """Gray, a quarter of the frame's width and height."""
    import cv2

    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    size = max(1, gray.shape[1] // 4), max(1, gray.shape[0] // 4)
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class Reference:
    """Features of the view as it should be: places (n, 2) in a quarter frame, and what is there."""

    places: NDArray[np.float32]
    marks: NDArray[np.uint8]  # (n, 32)

    @classmethod
    def of(cls, gray: Gray) -> "Reference | None":
        """None when there is too little to recognise it by."""
        import cv2

        points, marks = cv2.ORB.create(FEATURES).detectAndCompute(gray, None)
        if marks is None or len(points) < 2 * LEAST:
            return None
        places = np.array([point.pt for point in points], np.float32)
        return cls(places, np.asarray(marks, np.uint8))

    def to_text(self) -> str:
        body = self.places.astype("<f4").tobytes() + self.marks.tobytes()
        return base64.b64encode(body).decode()

    @classmethod
    def from_text(cls, text: str) -> "Reference | None":
        """What `to_text` made; None when it is nothing of the kind."""
        try:
            body = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
        count, rest = divmod(len(body), 40)
        if rest or count < 2 * LEAST:
            return None
        places = np.frombuffer(body[: 8 * count], "<f4").reshape(count, 2).astype(np.float32)
        return cls(places, np.frombuffer(body[8 * count :], np.uint8).reshape(count, 32))

    def movement(self, gray: Gray) -> tuple[float | None, int]:
        """(how far the view has moved, as a share of its width, None when it is not recognised;
        matches that agree)."""
        import cv2

        points, marks = cv2.ORB.create(FEATURES).detectAndCompute(gray, None)
        if marks is None or len(points) < LEAST:
            return None, 0
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(self.marks, marks, k=2)
        good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < RATIO * p[1].distance]
        if len(good) < LEAST:
            return None, len(good)
        before = np.array([self.places[match.queryIdx] for match in good], np.float32)
        after = np.array([points[match.trainIdx].pt for match in good], np.float32)
        matrix, agreed = cv2.estimateAffinePartial2D(
            before, after, method=cv2.RANSAC, ransacReprojThreshold=AGREE
        )
        if matrix is None or int(agreed.sum()) < LEAST:
            return None, 0 if agreed is None else int(agreed.sum())
        height, width = gray.shape
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        moved = corners @ matrix[:, :2].T + matrix[:, 2] - corners
        return float(np.abs(moved).max() / width), int(agreed.sum())


def measure(gray: Gray, reference: Reference | None) -> View:
    """`gray`: a quarter frame."""
    import cv2

    shift, matches = (0.0, 0) if reference is None else reference.movement(gray)
    return View(
        brightness=float(gray.mean()),
        contrast=float(gray.std()),
        sharpness=float(cv2.Laplacian(gray, cv2.CV_32F).var()),
        glare=float(np.count_nonzero(gray >= BURNT) / gray.size),
        shift=shift,
        matches=matches,
    )
