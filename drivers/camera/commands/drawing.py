"""Zones and plates drawn into a picture, to aim a camera and to check its zones."""

from collections.abc import Sequence
from math import hypot

import cv2
import numpy as np

from drivers.camera.sight import Plate, Point, Polygon
from drivers.camera.vision.arrays import Image
from drivers.camera.zones import Line, Zones

NARROW = 90  # pixels: a plate that is narrower is read badly
GREEN, RED, BLUE, YELLOW, GRAY = (
    (60, 200, 60), (60, 60, 230), (230, 140, 30), (30, 210, 240), (150, 150, 150),
)  # fmt: skip
Colour = tuple[int, int, int]


def draw(image: Image, zones: Zones, plates: Sequence[Plate]) -> None:
    """In place. `zones` of the picture's own size."""
    for space in zones.spaces:
        _area(image, space.polygon, space.id, GREEN)
    for lane in zones.no_parking:
        _area(image, lane.polygon, lane.id, RED)
    for mask in zones.masks:
        _area(image, mask.polygon, "mask", GRAY)
    for area in zones.plates:
        _area(image, area.polygon, "plates", BLUE)
    for line in zones.lines:
        _line(image, line)
    for plate in plates:
        good = round(plate.width) >= NARROW
        word = "good" if good else f"too small (< {NARROW})"
        told = f"plate width {plate.width:.0f} px: {word}"
        _area(image, plate.corners, told, GREEN if good else RED)


def inwards(line: Line, length: float) -> tuple[Point, Point]:
    """An arrow from the middle of a line to its right, seen from its start: the way in."""
    (ax, ay), (bx, by) = line.start, line.end
    middle = (ax + bx) / 2, (ay + by) / 2
    whole = hypot(bx - ax, by - ay) or 1.0
    across, down = -(by - ay) / whole, (bx - ax) / whole
    return middle, (middle[0] + across * length, middle[1] + down * length)


def _line(image: Image, line: Line) -> None:
    thick = _thickness(image)
    cv2.line(image, _at(line.start), _at(line.end), YELLOW, thick, cv2.LINE_AA)
    begin, end = inwards(line, image.shape[0] / 12)
    cv2.arrowedLine(image, _at(begin), _at(end), YELLOW, thick, cv2.LINE_AA, tipLength=0.3)
    _word(image, f"{line.id}: in", end, YELLOW)


def _area(image: Image, polygon: Polygon, name: str, colour: Colour) -> None:
    points = np.round(np.asarray(polygon, np.float64)).astype(np.int32)
    cv2.polylines(image, [points], True, colour, _thickness(image), cv2.LINE_AA)
    top = min(polygon, key=lambda point: (point[1], point[0]))
    _word(image, name, top, colour)


def _word(image: Image, word: str, where: Point, colour: Colour) -> None:
    """On a dark ground, within the picture."""
    size, thick = max(0.4, image.shape[1] / 2400), max(1, _thickness(image) - 1)
    (wide, high), below = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, size, thick)
    x = int(min(max(0, where[0]), max(0, image.shape[1] - wide)))
    y = int(min(max(high, where[1] - 3), image.shape[0] - below))
    cv2.rectangle(image, (x, y - high), (x + wide, y + below), (20, 20, 20), -1)
    cv2.putText(image, word, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, thick, cv2.LINE_AA)


def _thickness(image: Image) -> int:
    width: int = image.shape[1]
    return max(1, round(width / 800))


def _at(point: Point) -> tuple[int, int]:
    return round(point[0]), round(point[1])
