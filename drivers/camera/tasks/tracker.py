"""One vehicle through many frames, by its plate. Pure; times in s, lengths in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import hypot

from drivers.camera.sight import Plate, Point

REACH = 2.0  # plate widths that a plate may move between two looks, beyond what its speed says
REACH_SAME = 8.0  # the same, for one that reads alike
ALIKE = 2  # characters that two reads of one plate may differ in
GROWTH = 2.0  # factor by which a plate's width may change between two looks


@dataclass(slots=True)
class Track:
    number: int
    sightings: list[tuple[float, Plate]] = field(default_factory=list)
    missed_since: float | None = None  # first look at which it was not seen

    @property
    def began(self) -> float:
        return self.sightings[0][0]

    @property
    def seen(self) -> float:
        return self.sightings[-1][0]

    @property
    def plate(self) -> Plate:
        return self.sightings[-1][1]

    @property
    def path(self) -> list[Point]:
        return [middle(plate) for _, plate in self.sightings]

    def expected(self, at: float) -> Point:
        """Where it should be now, by its last two sightings."""
        x, y = middle(self.plate)
        if len(self.sightings) < 2:
            return x, y
        (before, old), (last, _) = self.sightings[-2:]
        if last - before <= 0:
            return x, y
        ahead = min((at - last) / (last - before), 2.0)
        ox, oy = middle(old)
        return x + (x - ox) * ahead, y + (y - oy) * ahead


class Tracker:
    """`patience`: a track ends when it has not been seen for so long although it was looked."""

    def __init__(self, patience: float) -> None:
        self.tracks: list[Track] = []
        self._patience = patience
        self._count = 0

    def look(self, at: float, plates: Sequence[Plate]) -> list[Track]:
        """Takes one look's plates; returns the tracks that have ended."""
        left = list(plates)
        pairs = sorted(
            ((cost, track.number, place) for track in self.tracks
             for place, plate in enumerate(plates)
             if (cost := distance(track, plate, at)) is not None)
        )  # fmt: skip
        matched: dict[int, Plate] = {}
        for _, number, place in pairs:
            plate = plates[place]
            if number not in matched and any(plate is one for one in left):
                matched[number] = plate
                left = [one for one in left if one is not plate]
        for track in self.tracks:
            self._note(track, matched.get(track.number), at)
        self.tracks += [self._begin(at, plate) for plate in left]
        ended = [t for t in self.tracks if self._lost_for(t, at) > self._patience]
        self.tracks = [t for t in self.tracks if t not in ended]
        return ended

    def end_all(self) -> list[Track]:
        ended, self.tracks = self.tracks, []
        return ended

    def _begin(self, at: float, plate: Plate) -> Track:
        self._count += 1
        return Track(self._count, [(at, plate)])

    @staticmethod
    def _note(track: Track, plate: Plate | None, at: float) -> None:
        if plate is not None:
            track.sightings.append((at, plate))
            track.missed_since = None
        elif track.missed_since is None:
            track.missed_since = at

    @staticmethod
    def _lost_for(track: Track, at: float) -> float:
        return 0.0 if track.missed_since is None else at - track.missed_since


def middle(plate: Plate) -> Point:
    left, top, right, bottom = plate.box
    return (left + right) / 2, (top + bottom) / 2


def distance(track: Track, plate: Plate, at: float) -> float | None:
    """In plate widths; None when this cannot be the same plate."""
    width = max(track.plate.width, plate.width, 1.0)
    if width > GROWTH * max(min(track.plate.width, plate.width), 1.0):
        return None
    x, y = middle(plate)
    ex, ey = track.expected(at)
    away = hypot(x - ex, y - ey) / width
    same = alike(track.plate.text, plate.text)
    return away if away <= (REACH_SAME if same else REACH) else None


def alike(one: str, other: str) -> bool:
    """Whether two reads may be of one plate."""
    if not one or len(one) != len(other):
        return False
    return sum(a != b for a, b in zip(one, other, strict=True)) <= ALIKE


def crossing(path: Sequence[Point], start: Point, end: Point) -> int:
    """How often a path crosses a line from its left to its right (seen from start to end, in a
    picture, whose y goes down), less how often the other way."""
    return sum(_step(a, b, start, end) for a, b in pairwise(path))


def _step(a: Point, b: Point, start: Point, end: Point) -> int:
    before, after = _side(start, end, a), _side(start, end, b)
    if (before < 0) == (after < 0) or (_side(a, b, start) < 0) == (_side(a, b, end) < 0):
        return 0
    return 1 if before < 0 else -1


def _side(start: Point, end: Point, point: Point) -> float:
    """Negative on the left."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
