"""`no_parking`: a vehicle stands where none may; evidence for a person to judge.

GA/T 832-2014 asks for at least two pictures of the whole scene, 10 s or more apart, large enough to
recognise the vehicle, the place and the rule. What is missing is named; guilt is never asserted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.contract import Value
from drivers.camera.sight import (
    Drop,
    Finding,
    Happened,
    Keep,
    Need,
    Plate,
    PointSpec,
    Polygon,
    Shot,
    Sight,
)
from drivers.camera.tasks.steady import Steady
from drivers.camera.tasks.tracker import middle
from drivers.camera.tasks.vote import vote
from drivers.camera.zones import NoParking

APART = 10.0  # s between two panoramas
LEAST = (1280, 720)  # pixels of a panorama
MOST_READS = 50  # plates of one stay that are voted over


@dataclass(slots=True)
class _Stay:
    began: float
    second: bool = False  # the second panorama has been taken
    told: bool = False
    plates: list[Plate] = field(default_factory=list)


class NoParkingTask:
    needs: frozenset[Need] = frozenset({"plates", "spaces"})

    def __init__(
        self, camera: str, zones: Sequence[NoParking], threshold: float, *, anonymous: bool
    ) -> None:
        self._camera, self._anonymous = camera, anonymous
        self._zones = {zone.id: zone for zone in zones}
        self._states = {zone.id: Steady(threshold) for zone in zones}
        self._stays: dict[str, _Stay] = {}

    @property
    def points(self) -> Sequence[PointSpec]:
        return [PointSpec(f"standing_{zone}", "s", "measurement") for zone in self._zones]

    def retune(self, threshold: float) -> None:
        """Another from now on."""
        for state in self._states.values():
            state.threshold = threshold

    def see(self, sight: Sight) -> Sequence[Finding]:
        found: list[Finding] = []
        for name, zone in self._zones.items():
            if sight.spaces is not None and name in sight.spaces:
                self._states[name].look(sight.spaces[name])
            found += self._zone(zone, sight)
        return found

    def blind(self, at: float, reason: str) -> Sequence[Finding]:
        """Who stands there now may not be who stood there: stays end, without a word if short."""
        found: list[Finding] = []
        for name, state in self._states.items():
            state.forget()
            found += self._left(name, at, reason)
        return found

    def _zone(self, zone: NoParking, sight: Sight) -> Sequence[Finding]:
        if self._states[zone.id].occupied is not True:
            return self._left(zone.id, sight.at, "left")
        if zone.id not in self._stays:
            self._stays[zone.id] = _Stay(sight.at)
            return self._panorama(zone.id, 1)
        stay = self._stays[zone.id]
        seen = [p for p in sight.plates or () if inside(middle(p), zone.polygon)]
        stay.plates = (stay.plates + seen)[-MOST_READS:]
        found: list[Finding] = []
        dwell = sight.at - stay.began
        if dwell >= max(APART, zone.longest) and not stay.told:
            found += self._panorama(zone.id, 2)
            stay.second = stay.told = True
            found.append(self._violation(zone, stay, dwell, sight))
        return found

    def _panorama(self, zone: str, number: int) -> list[Finding]:
        return [] if self._anonymous else [Keep(f"{zone}-{number}", Shot("scene"))]

    def _violation(self, zone: NoParking, stay: _Stay, dwell: float, sight: Sight) -> Happened:
        verdict = vote(stay.plates)
        missing = [*self._missing(stay, sight)]
        data: dict[str, Value | None] = {
            "camera": self._camera,
            "seconds": round(dwell, 1),
            "allowed": zone.longest,
            "review": "pending",
            "evidential": not missing,
            "missing": ", ".join(missing),
        }
        if not self._anonymous and verdict.agreeing >= 2:
            data |= {"text": verdict.text, "colour": verdict.colour,
                     "confidence": verdict.confidence}  # fmt: skip
        kept = () if self._anonymous else (f"{zone.id}-1", f"{zone.id}-2")
        return Happened("no_parking.stood", zone.id, data, kept=kept)

    def _missing(self, stay: _Stay, sight: Sight) -> Sequence[str]:
        missing = []
        if self._anonymous or not stay.second:
            missing.append("two panoramas")
        if sight.size[0] < LEAST[0] or sight.size[1] < LEAST[1]:
            missing.append(f"{LEAST[0]}x{LEAST[1]} pixels")
        return missing

    def _left(self, zone: str, at: float, why: str) -> Sequence[Finding]:
        stay = self._stays.pop(zone, None)
        if stay is None:
            return ()
        if not stay.told:
            return [Drop(f"{zone}-1"), Drop(f"{zone}-2")]
        data: dict[str, Value | None] = {
            "camera": self._camera,
            "seconds": round(at - stay.began, 1),
            "why": why,
        }
        return [Happened("no_parking.ended", zone, data)]


def inside(point: tuple[float, float], polygon: Polygon) -> bool:
    """Even-odd rule."""
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd
