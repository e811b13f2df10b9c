"""`plates`: one event for each vehicle that passes, with what its plate was read as."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.contract import Value
from drivers.camera.sight import (
    Drop,
    Finding,
    Happened,
    Keep,
    Measured,
    Need,
    Plate,
    PointSpec,
    Shot,
    Sight,
)
from drivers.camera.tasks.tracker import Track, Tracker, crossing
from drivers.camera.tasks.vote import Verdict, vote
from drivers.camera.vision.grammar import kind_of
from drivers.camera.zones import Line

REJECTED = ("unread", "disagreeing", "unsure")
BETTER = 1.1  # factor by which a sighting must be better for its picture to be taken anew
AIM_EVERY = 10.0  # s between two readings of how wide plates are


@dataclass(frozen=True, slots=True)
class PlateOptions:
    """`anonymous`: vehicles are told, their plates never; no picture is taken."""

    reads: int = 2  # that must agree
    confidence: float = 0.6
    patience: float = 3.0  # s without a sighting that end a passage
    anonymous: bool = False
    pictures: bool = True


class PlateTask:
    """`aimed`: the camera sees what its lines and masks were drawn for. Without, plates are told
    without direction and without new pictures."""

    needs: frozenset[Need] = frozenset({"plates"})
    aimed: bool = True

    def __init__(self, camera: str, lines: Sequence[Line], options: PlateOptions) -> None:
        self._camera, self._lines, self._options = camera, lines, options
        self._tracker = Tracker(options.patience)
        self._best: dict[int, float] = {}  # track -> worth of the sighting that was kept
        self._counts: Counter[str] = Counter()
        self._aimed = float("-inf")

    @property
    def points(self) -> Sequence[PointSpec]:
        counters = [PointSpec(f"plates_{reason}", kind="counter") for reason in REJECTED]
        width = PointSpec("plate_width", "{pixels}", "measurement")
        return [PointSpec("plates_passed", kind="counter"), *counters, width]

    def see(self, sight: Sight) -> Sequence[Finding]:
        if sight.plates is None:
            return ()
        ended = self._tracker.look(sight.at, sight.plates)
        found: list[Finding] = []
        for track in self._tracker.tracks:
            found += self._keep(track, sight)
        for track in ended:
            found += self._passed(track)
        return [*found, *self._aim(sight)]

    def blind(self, at: float, reason: str) -> Sequence[Finding]:  # noqa: ARG002  of the protocol
        """Passages that were under way end with what was seen of them."""
        return [one for track in self._tracker.end_all() for one in self._passed(track)]

    def _keep(self, track: Track, sight: Sight) -> Sequence[Finding]:
        if track.seen != sight.at or not self._takes_pictures:
            return ()
        worth = track.plate.score * max(track.plate.confidence, 0.05) * track.plate.width
        if worth < BETTER * self._best.get(track.number, 0.0):
            return ()
        self._best[track.number] = worth
        plate, scene = self._names(track)
        return (
            Keep(plate, Shot("plate", _around(track.plate, 0.15, sight))),
            Keep(scene, Shot("vehicle", _around(track.plate, 2.5, sight))),
        )

    def _passed(self, track: Track) -> list[Finding]:
        verdict = vote([plate for _, plate in track.sightings])
        names = self._names(track) if self._best.pop(track.number, 0.0) else ()
        if self._options.anonymous:
            data = self._about(track)
            return [self._event("vehicle.passed", data, ()), *self._count("passed")]
        if reason := self._doubt(verdict):
            return [*map(Drop, names), *self._count(reason)]
        said: dict[str, Value | None] = {
            "text": verdict.text,
            "colour": verdict.colour,
            "kind": kind_of(verdict.text),
            "confidence": verdict.confidence,
            "reads": verdict.reads,
            "agreeing": verdict.agreeing,
        }
        event = self._event("plate.passed", said | dict(self._about(track)), names)
        return [event, *self._count("passed")]

    def _event(self, kind: str, data: Mapping[str, Value | None], names: Sequence[str]) -> Happened:
        return Happened(kind, self._camera, data, kept=names)

    def _doubt(self, verdict: Verdict) -> str:
        if not verdict.text:
            return "unread"
        if verdict.agreeing < self._options.reads:
            return "disagreeing"
        return "unsure" if verdict.confidence < self._options.confidence else ""

    def _about(self, track: Track) -> dict[str, Value | None]:
        line, direction = self._direction(track)
        return {
            "direction": direction,
            "line": line,
            "seconds": round(track.seen - track.began, 2),
            "sightings": len(track.sightings),
            "width": round(max(plate.width for _, plate in track.sightings)),
        }

    def _direction(self, track: Track) -> tuple[str, str]:
        """By the line that it crossed; without lines, whether it came nearer."""
        for line in self._lines if self.aimed else ():
            net = crossing(track.path, line.start, line.end)
            if net:
                return line.id, "in" if net > 0 else "out"
        first, last = track.sightings[0][1].width, track.plate.width
        if self._lines or max(first, last) < 1.15 * min(first, last):
            return "", ""
        return "", "approaching" if last > first else "leaving"

    def _count(self, what: str) -> list[Finding]:
        self._counts[what] += 1
        return [Measured(f"plates_{what}", self._counts[what])]

    def _aim(self, sight: Sight) -> Sequence[Finding]:
        if not sight.plates or sight.at - self._aimed < AIM_EVERY:
            return ()
        self._aimed = sight.at
        return (Measured("plate_width", round(max(plate.width for plate in sight.plates), 1)),)

    @property
    def _takes_pictures(self) -> bool:
        return self.aimed and self._options.pictures and not self._options.anonymous

    @staticmethod
    def _names(track: Track) -> tuple[str, str]:
        return f"plate-{track.number}", f"vehicle-{track.number}"


def _around(plate: Plate, margin: float, sight: Sight) -> tuple[float, float, float, float]:
    """The plate's box, wider by that many plate widths on each side, within the frame."""
    left, top, right, bottom = plate.box
    more = margin * plate.width
    width, height = sight.size
    return (
        max(0.0, left - more),
        max(0.0, top - more),
        min(float(width), right + more),
        min(float(height), bottom + more),
    )
