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

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, field_serializer, model_validator

from agent.contract.settings import Id, Seconds, Strict, wrong

Point = tuple[float, float]


def _simple(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if area(points) == 0:
        raise ValueError("these points enclose nothing; name at least three that are no line")
    if crossed := crossing(points):
        raise wrong(
            "the side behind point {first} crosses the one behind point {second}; name the corners "
            "in the order in which one walks around it",
            first=crossed[0] + 1,
            second=crossed[1] + 1,
        )
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

    @field_serializer("longest")
    def _as_written(self, seconds: float) -> str:
        """The camera's process reads it again."""
        return f"{seconds:g}s"


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
            for index, one in enumerate(ids):
                if one in ids[:index]:
                    raise wrong("the id '{id}' is there twice; rename one of them",
                                name, index, "id", id=one)  # fmt: skip
        spaces = {one.id for one in self.spaces}
        for index, lane in enumerate(self.no_parking):
            if lane.id in spaces:
                raise wrong("the id '{id}' is that of a space, too; rename one of them",
                            "no_parking", index, "id", id=lane.id)  # fmt: skip
        return self

    @model_validator(mode="after")
    def _within(self) -> "Zones":
        width, height = self.size
        for where, (x, y) in self._points():
            if not (0 <= x <= width and 0 <= y <= height):
                raise wrong(
                    "the point [{x:g}, {y:g}] lies outside the picture of {width} by {height}; "
                    "correct it, or `size:`",
                    *where, x=x, y=y, width=width, height=height,
                )  # fmt: skip
        return self

    def _points(self) -> Iterator[tuple[tuple[str | int, ...], Point]]:
        """Each with the steps to where it is written."""
        for name in ("spaces", "masks", "no_parking", "plates"):
            for index, one in enumerate(getattr(self, name)):
                for number, point in enumerate(one.polygon):
                    yield (name, index, "polygon", number), point
        for index, line in enumerate(self.lines):
            yield ("lines", index, "from"), line.start
            yield ("lines", index, "to"), line.end

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


def crossing(points: Sequence[Point]) -> tuple[int, int] | None:
    """The first two sides that cross, each by the number of the point that it begins at."""
    sides = list(zip(points, (*points[1:], points[0]), strict=True))
    for first, (a, b) in enumerate(sides):
        for second in range(first + 1, len(sides)):
            c, d = sides[second]
            if _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0:
                return first, second
    return None


def _turn(a: Point, b: Point, c: Point) -> float:
    """Above 0 where the way from `a` over `b` to `c` turns to the right, in a picture."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
