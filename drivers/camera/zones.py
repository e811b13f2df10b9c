"""`zones/CAMERA.yaml`: what lies where in a camera's view.

    camera: gate-1
    size: [1920, 1080]
    spaces: [{id: a-01, polygon: [[100, 500], [180, 500], [190, 620], [95, 620]]}]
    masks: [{polygon: [[0, 0], [1920, 0], [1920, 120], [0, 120]]}]
    lines: [{id: in, from: [300, 700], to: [1500, 700]}]
    no_parking: [{id: fire-lane, polygon: [...], longest: 3min}]
    plates: [{polygon: [...]}]

Points are pixels of `size`; frames of another size are scaled.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from agent.contract.settings import Id, Seconds, Strict

Point = tuple[float, float]


def _simple(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if area(points) == 0:
        raise ValueError("these points enclose nothing; name at least three that are no line")
    return points


Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=100), AfterValidator(_simple)]


class Space(Strict):
    id: Id
    polygon: Polygon


class Area(Strict):
    polygon: Polygon


class Line(Strict):
    """Who crosses it from its left to its right (seen from `from` to `to`) goes in."""

    id: Id
    start: Point = Field(alias="from")
    end: Point = Field(alias="to")


class NoParking(Strict):
    id: Id
    polygon: Polygon
    longest: Annotated[Seconds, Field(ge=10, le=86400)] = Field(
        180.0, description="So long a vehicle may stand there."
    )


class Zones(Strict):
    camera: Id
    size: tuple[Annotated[int, Field(ge=16, le=16384)], Annotated[int, Field(ge=16, le=16384)]] = (
        Field(description="Width and height of the picture that the points were taken from.")
    )
    spaces: tuple[Space, ...] = ()
    masks: tuple[Area, ...] = Field((), description="Never leave the camera's process.")
    lines: tuple[Line, ...] = ()
    no_parking: tuple[NoParking, ...] = ()
    plates: tuple[Area, ...] = Field(
        (), description="Where plates may be read; none: everywhere outside the masks."
    )

    @model_validator(mode="after")
    def _told_apart(self) -> "Zones":
        for name in ("spaces", "lines", "no_parking"):
            ids = [one.id for one in getattr(self, name)]
            for twice in {one for one in ids if ids.count(one) > 1}:
                raise ValueError(f"{name}: the id '{twice}' is there twice")
        shared = {one.id for one in self.spaces} & {one.id for one in self.no_parking}
        for both in shared:
            raise ValueError(f"the id '{both}' is a space and a zone of no_parking; rename one")
        return self

    @model_validator(mode="after")
    def _within(self) -> "Zones":
        width, height = self.size
        for x, y in self._points():
            if not (0 <= x <= width and 0 <= y <= height):
                raise ValueError(f"the point [{x:g}, {y:g}] lies outside the size {width}x{height}")
        return self

    def _points(self) -> Sequence[Point]:
        areas: tuple[Space | Area | NoParking, ...] = (
            *self.spaces,
            *self.masks,
            *self.no_parking,
            *self.plates,
        )
        ends = [end for line in self.lines for end in (line.start, line.end)]
        return [*(point for one in areas for point in one.polygon), *ends]

    def scaled(self, width: int, height: int) -> "Zones":
        """For frames of that size."""
        across, down = width / self.size[0], height / self.size[1]
        if (across, down) == (1.0, 1.0):
            return self

        def move(points: Sequence[Point]) -> tuple[Point, ...]:
            return tuple((x * across, y * down) for x, y in points)

        def moved(ones: Sequence[Space | Area | NoParking]) -> tuple[object, ...]:
            return tuple(one.model_copy(update={"polygon": move(one.polygon)}) for one in ones)

        lines = tuple(
            one.model_copy(update=dict(zip(("start", "end"), move((one.start, one.end)),
                                           strict=True)))
            for one in self.lines
        )  # fmt: skip
        return self.model_copy(
            update={
                "size": (width, height),
                "spaces": moved(self.spaces),
                "masks": moved(self.masks),
                "no_parking": moved(self.no_parking),
                "plates": moved(self.plates),
                "lines": lines,
            }
        )


def area(points: Sequence[Point]) -> float:
    """Square pixels, without a sign."""
    total = 0.0
    for (ax, ay), (bx, by) in zip(points, (*points[1:], points[0]), strict=True):
        total += ax * by - bx * ay
    return abs(total) / 2
