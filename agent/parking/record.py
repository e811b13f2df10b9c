"""What the gateway says of a space: the same, whatever watches it.

The fields are those of `parking_common_fields`: what the detectors of all makers have in common.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent.config.places import Place
from agent.contract import Event, Instant, PointInfo, Quality, Reading, Value

CHANGED = "parking.space"
TAMPERED = "parking.tamper"
OCCUPIED, PARKING_STATE = "occupied", "parking_state"
STARTING = "starting"  # branch and reason of a space that has not been heard of yet
CALIBRATING = "calibrating"  # the same of one whose field is learned anew
KEPT = "kept"  # reason of a state that the last run knew, until the detector is heard again
MAINTENANCE = "maintenance"  # reason of readings of a device that somebody works on

POINTS = (
    PointInfo(OCCUPIED, "1", kind="state"),
    PointInfo(PARKING_STATE, "1", kind="text"),
)


class State(StrEnum):
    VACANT = "vacant"
    OCCUPIED = "occupied"
    INTERFERENCE = "interference"  # a strong magnet
    INITIALISING = "initialising"
    FAULT = "fault"
    UNKNOWN = "unknown"  # silent, lost, or not heard yet

    @property
    def occupied(self) -> bool | None:
        """None: nobody knows. Never False for want of a detector."""
        return {"occupied": True, "vacant": False}.get(self.value)

    @property
    def plain(self) -> str:
        """occupied, vacant, or unknown."""
        return self.value if self.occupied is not None else State.UNKNOWN.value


@dataclass(frozen=True, slots=True)
class Verdict:
    """A space's state from `at` on.

    `reason` says why it is not known, or why it is doubted; `branch`, how it was decided; `began`,
    when the car moved, where that is known. `shift` and `swing` as in `Change`, uT.
    """

    state: State
    at: Instant
    branch: str
    reason: str = ""
    began: Instant | None = None
    shift: float | None = None
    swing: float | None = None

    @property
    def since(self) -> Instant:
        return self.began or self.at

    @property
    def quality(self) -> Quality:
        if self.state.occupied is None:
            return Quality.BAD
        return Quality.UNCERTAIN if self.reason else Quality.GOOD


def readings(space: str, verdict: Verdict, at: Instant) -> list[Reading]:
    """`occupied` has no value while it is not known, and `parking_state` says why."""
    state, quality, reason = verdict.state, verdict.quality, verdict.reason
    said = (Quality.GOOD, "") if quality is Quality.BAD else (quality, reason)
    return [
        Reading(space, OCCUPIED, state.occupied, "1", at, quality, reason),
        Reading(space, PARKING_STATE, state.value, "1", at, *said),
    ]


def changed(
    place: Place, verdict: Verdict, before: Verdict, details: Mapping[str, Value], *, start: bool
) -> Event:
    """The space is something else than `before`."""
    data: dict[str, Value | None] = {
        "event_type": "startup" if start else "status_change",
        "state": verdict.state.plain,
        "occupied": verdict.state.occupied,
        "parking_state": verdict.state.value,
        "previous": before.state.plain,
        "previous_state_duration": seconds_between(before.since, verdict.since),
        "since": verdict.since.wall / 1e9,
        "device": place.device,
        "detector": place.detector,
        "branch": verdict.branch,
        "quality": f"{verdict.quality}:{verdict.reason}" if verdict.reason else verdict.quality,
        "fault": verdict.reason if verdict.state is State.FAULT else None,
    }
    for name in ("shift", "swing"):
        if (value := getattr(verdict, name)) is not None:
            data[name] = round(value, 1)
    return Event(CHANGED, place.space, verdict.at, data | dict(details))


def tampered(place: Place, verdict: Verdict) -> Event:
    """A strong magnet lies on the detector: somebody hides a car, or means to."""
    data: dict[str, Value | None] = {
        "device": place.device,
        "detector": place.detector,
        "branch": verdict.branch,
    }
    return Event(TAMPERED, place.space, verdict.at, data)


def seconds_between(begin: Instant, end: Instant) -> float | None:
    """By the clock that never jumps; None when the machine was started anew in between."""
    return round((end.mono - begin.mono) / 1e9, 1) if begin.boot == end.boot else None
