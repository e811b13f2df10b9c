"""What was seen in one frame, and what a task makes of it: the seam between eyes and decisions.

Everything here is plain values: tasks decide without pixels, so they can be tested without any.
Points are pixels of the frame; times are seconds of the boot-time clock, as we stamped the frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Literal, Protocol

from agent.contract import Value

Point = tuple[float, float]
Polygon = Sequence[Point]
Box = tuple[float, float, float, float]  # left, top, right, bottom

Need = Literal["plates", "spaces"]

TILES = 16, 9  # across and down: parts of the picture that something may hide, counted by rows


@dataclass(frozen=True, slots=True)
class Plate:
    """One plate in one frame. Confidences are 0 to 1; `characters` has one for each of `text`.

    `text` is empty where the crop was too small to be read.
    """

    corners: tuple[Point, Point, Point, Point]  # clockwise from top left
    score: float  # that it is a plate at all
    text: str = ""
    colour: str = ""
    characters: tuple[float, ...] = ()
    confidence: float = 0.0  # of the whole text, the grammar considered

    @property
    def box(self) -> Box:
        xs, ys = zip(*self.corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def width(self) -> float:
        """Mean of the upper and the lower side."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.corners
        return (hypot(bx - ax, by - ay) + hypot(cx - dx, cy - dy)) / 2


@dataclass(frozen=True, slots=True)
class View:
    """How well the camera sees. All are measured on a quarter of the frame, in gray."""

    brightness: float  # mean, 0 to 255
    contrast: float  # standard deviation
    blur: float  # 0 to 1: how little more blur would change it
    grain: float  # noise, as a share of the contrast
    glare: float  # share of pixels that are burnt out
    shift: float | None = 0.0  # against what is known, as a share of the width; None: another place
    strange: float = 0.0  # share of the tiles that are not as they were
    hidden: frozenset[int] = frozenset()  # tiles in which something smooth hides what was there


@dataclass(frozen=True, slots=True)
class Sight:
    """One frame. What no task needs, and what the gate left out, is None."""

    at: float
    size: tuple[int, int]  # (width, height)
    changed: bool  # the gate's word
    plates: Sequence[Plate] | None = None
    spaces: Mapping[str, float] | None = None  # id -> chance that it is occupied
    unseen: frozenset[str] = frozenset()  # spaces that something hides, and not just in passing
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture that a finding asks for: cut from the frame, JPEG, masked as all frames are."""

    role: Literal["scene", "vehicle", "plate"]
    box: Box | None = None  # None: the whole frame


@dataclass(frozen=True, slots=True)
class Measured:
    """Becomes a reading of the camera's point `point`. `reason` set: the value is None and bad."""

    point: str
    value: Value | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    """Becomes an event. Pictures: those of `shots` are cut from this very frame, those of `kept`
    were asked for earlier under these names (`Keep`) and go along now."""

    kind: str
    subject: str
    data: Mapping[str, Value | None]
    shots: Sequence[Shot] = ()
    kept: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """Cut this now, for an event that may come later; `name` replaces one of the same name."""

    name: str
    shot: Shot


@dataclass(frozen=True, slots=True)
class Drop:
    """The picture of that name is no longer wanted."""

    name: str


Finding = Measured | Happened | Keep | Drop


@dataclass(frozen=True, slots=True)
class PointSpec:
    """A point that a task has, for the catalogue: (id, UCUM unit, kind)."""

    id: str
    unit: str = "1"
    kind: str = "state"


class Task(Protocol):
    """Sees every frame of one camera, in order. Pure: no clock, no pixels, no files."""

    @property
    def needs(self) -> frozenset[Need]: ...

    @property
    def points(self) -> Sequence[PointSpec]: ...

    def see(self, sight: Sight) -> Sequence[Finding]: ...
