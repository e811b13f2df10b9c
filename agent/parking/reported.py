"""Spaces whose detector decides by itself: receivers, concentrators, street detectors."""

from agent.config.places import ALARM, FAULT, SHORTEST, Place
from agent.contract import Instant, Quality, Reading, Value
from agent.parking.record import MAINTENANCE, State, Verdict

WORDS = {
    "vacant": State.VACANT,
    "free": State.VACANT,
    "occupied": State.OCCUPIED,
    "interference": State.INTERFERENCE,
    "initialising": State.INITIALISING,
    "fault": State.FAULT,
    "unknown": State.UNKNOWN,
}
SURE_AT_ONCE = frozenset({"sensor_fault", "silent"})
"""Reasons of a bad reading that the device itself gives, or that somebody waited for. Others (no
answer, a damaged frame) may be over at the next poll: the state stands until `silent_after`."""
NO_FAULT = frozenset({"", "0", "none", "normal", "ok"})

Said = tuple[Value | None, Quality, str]


class Reported:
    """Pure. Readings of one instant belong together: `hear` judges those before as soon as one of
    a later instant comes, `settle` when no more are to come."""

    __slots__ = (
        "_alarm", "_fault", "_heard", "_lost", "_missed", "_place", "_said", "_state",
        "details", "due",
    )  # fmt: skip

    def __init__(self, place: Place, now: Instant) -> None:
        self.details: dict[str, Value] = {}
        self._place = place
        self._heard = now.mono  # ns, CLOCK_BOOTTIME: last good reading
        self._lost = ""  # reason of the bad readings since...
        self._missed = 0  # ...and how many there were
        self._said: Said | None = None  # what the state point said last; None: nothing holds
        self._state: Reading | None = None
        self._fault = ""
        self._alarm = ""
        self.due: Instant | None = None  # of the readings that are not judged yet

    def hear(self, role: str, reading: Reading) -> Verdict | None:
        done = None
        if self.due is not None and reading.at.mono != self.due.mono:
            done = self.settle()
        if role == "state":
            self._hear_state(reading)
        elif reading.quality is not Quality.BAD and reading.value is not None:
            self._hear_detail(role, reading.value, reading.at)
        return done

    def settle(self) -> Verdict | None:
        """What the readings since the last judgement come to."""
        due, self.due = self.due, None
        if due is None or self._state is None:
            return None
        return self._judged(self._state, due)

    def look(self, now: Instant) -> Verdict | None:
        """It is `now`: has the detector been silent for too long?"""
        place, silence = self._place, (now.mono - self._heard) / 1e9
        missed = 0 < place.missed <= self._missed and silence >= SHORTEST
        if not missed and silence < place.silent_after:
            return None
        self._heard, self._missed = now.mono, 0  # told once each time
        self._said = self._state = None
        return Verdict(State.UNKNOWN, now, "silence", self._lost or "silent")

    def _hear_state(self, reading: Reading) -> None:
        if reading.quality is Quality.BAD and not self._is_sure(reading.reason):
            self._lost = reading.reason
            self._missed += 1
            return
        self._heard, self._lost, self._missed = reading.at.mono, "", 0
        self._alarm = ""
        said = (reading.value, reading.quality, reading.reason)
        if said != self._said:
            self._said, self._state, self.due = said, reading, reading.at

    def _is_sure(self, reason: str) -> bool:
        return reason in SURE_AT_ONCE or (self._place.streaming and reason != MAINTENANCE)

    def _hear_detail(self, role: str, value: Value, at: Instant) -> None:
        self.details[role] = value
        fault = "" if value is False or str(value) in NO_FAULT else str(value)
        if role == FAULT and fault != self._fault:
            self._fault, self.due = fault, at
        elif role == ALARM and fault:
            self._alarm, self._said, self.due = fault, None, at

    def _judged(self, reading: Reading, at: Instant) -> Verdict:
        if reading.quality is Quality.BAD:
            state = State.FAULT if reading.reason == "sensor_fault" else State.UNKNOWN
            return Verdict(state, at, "reported", reading.reason)
        if self._fault or self._alarm:
            return Verdict(State.FAULT, at, "reported", "sensor_fault")
        state = state_of(reading.value)
        if state.occupied is None:
            reason = "unknown_code" if state is State.UNKNOWN else state.value
            mark = MAINTENANCE if reading.reason == MAINTENANCE else reason
            return Verdict(state, at, "reported", mark)
        return Verdict(state, at, "reported", reading.reason)


def state_of(value: Value | None) -> State:
    """Of a bool, a number that is 0 or 1, or a word."""
    if isinstance(value, str):
        return WORDS.get(value, State.UNKNOWN)
    return {0: State.VACANT, 1: State.OCCUPIED}.get(value, State.UNKNOWN)  # type: ignore[arg-type]  # None finds nothing
