"""Spaces with a raw magnetometer: the gateway decides."""

import json
from dataclasses import replace
from typing import Any

from agent.config.places import DETAILS, Place
from agent.contract import Instant, Quality, Reading, Value
from agent.parking.detector import Detector
from agent.parking.memory import Change, Occupancy
from agent.parking.parameters import Parameters
from agent.parking.record import KEPT, MAINTENANCE, STARTING, State, Verdict

STALE = 24 * 3600 * 10**9  # ns after which an empty field may have drifted by as much as a car does
AXES = {"x": 0, "y": 1, "z": 2}
STATES = {
    Occupancy.UNKNOWN: State.UNKNOWN,
    Occupancy.VACANT: State.VACANT,
    Occupancy.OCCUPIED: State.OCCUPIED,
    Occupancy.INTERFERENCE: State.INTERFERENCE,
}
SAMPLE = "sample"  # branch of a state that stands as it was
CALIBRATED = "calibrated"  # branch of the first settled field, and reason to doubt it
UNSURE = {CALIBRATED, "resumed", "silence"}  # branches that no car was seen in


class Measured:
    """Pure. Three readings, one an axis, make a sample; one that is not whole is left out."""

    __slots__ = (
        "_assumed", "_axes", "_detector", "_doubt", "_field", "_lost", "_mark", "_scale",
        "details", "due",
    )  # fmt: skip

    def __init__(self, place: Place, now: Instant, kept: str = "", *, vacant: bool = False) -> None:
        """`kept`: what `state` of an earlier run gave. Damaged, it counts as nothing. `vacant`:
        somebody has seen that the space is empty, so the first settled field is not doubted."""
        self.details: dict[str, Value] = {}
        self.due: Instant | None = None  # never: a sample is judged when it is whole
        self._scale = place.scale or 1.0
        self._field = [0.0, 0.0, 0.0]  # uT
        self._axes = 0  # bits of those that have come
        self._lost = ""  # reason of the bad readings since the last sample
        self._mark = KEPT  # reason of the last sample's doubt, as the device's readings say
        self._assumed = "" if vacant else CALIBRATED
        self._doubt = ""  # why the state is not sure, until a car is seen
        parameters = Parameters(silence=place.silent_after)
        self._detector = Detector(parameters, self._restored(kept, now))

    @property
    def occupancy(self) -> State:
        return STATES[self._detector.occupancy]

    def hear(self, role: str, reading: Reading) -> Verdict | None:
        value = reading.value
        axis = AXES.get(role)
        if axis is None:
            if role in DETAILS and value is not None:
                self.details[role] = value
            return None
        if reading.quality is Quality.BAD or isinstance(value, str) or value is None:
            self._axes, self._lost = 0, reading.reason
            return None
        if self._axes & 1 << axis:
            self._axes = 0
        self._axes |= 1 << axis
        self._field[axis] = value * self._scale
        return self._sample(reading) if self._axes == 0b111 else None

    def settle(self) -> Verdict | None:
        """Nothing is ever left over."""
        return None

    def look(self, now: Instant) -> Verdict | None:
        """It is `now`: has no sample come for too long?"""
        change = self._detector.tick(now.mono / 1e9)
        if change is None:
            return None
        return replace(self._verdict(change, now), reason=self._lost or "silent")

    def state(self, now: Instant) -> str:
        """For the next run."""
        kept = {"boot": now.boot, "wall": now.wall, "doubt": self._doubt}
        return json.dumps({**kept, "memory": self._detector.state()})

    def _sample(self, reading: Reading) -> Verdict | None:
        self._axes, self._lost = 0, ""
        at = reading.at
        mark = reading.reason if reading.quality is Quality.UNCERTAIN else ""
        change = self._detector.feed(at.mono / 1e9, *self._field)
        if change is None and mark == self._mark:
            return None
        self._mark = mark
        if change is not None:
            return self._verdict(change, at)
        return Verdict(self.occupancy, at, SAMPLE, self._reason(self.occupancy, STARTING))

    def _verdict(self, change: Change, at: Instant) -> Verdict:
        if change.branch == CALIBRATED:
            self._doubt = self._assumed
        elif change.branch not in UNSURE:
            self._doubt = ""
        state = STATES[change.occupancy]
        began = round(change.began * 1e9)
        wall = at.wall - (at.mono - began)
        return Verdict(
            state,
            at,
            change.branch,
            self._reason(state, change.branch),
            replace(at, mono=began, wall=wall) if 0 < began < at.mono else None,
            change.shift,
            change.swing,
        )

    def _reason(self, state: State, branch: str) -> str:
        if state.occupied is None and self._mark != MAINTENANCE:
            return state.value if state is State.INTERFERENCE else branch
        return self._mark or self._doubt

    def _restored(self, kept: str, now: Instant) -> dict[str, Any] | None:
        """The memory of an earlier run. One of another boot, whose times mean nothing here, has
        the fields and the car, and nothing is known until the field settles."""
        try:
            found = json.loads(kept) if kept else {}
            memory: dict[str, Any] = found["memory"]
            Detector(kept=memory)
            if found["boot"] != now.boot:
                memory |= {"occupancy": "unknown", "last": None}
            stale = now.wall - int(found["wall"]) > STALE
            self._doubt = "stale_baseline" if stale else str(found["doubt"])
        except (ValueError, KeyError, TypeError):
            return None
        return memory
