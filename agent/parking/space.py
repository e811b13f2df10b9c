"""One space: what is known of it, and what is told of it when that changes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from agent.config.places import Place
from agent.contract import Instant, Reading, Record, Value
from agent.parking.record import (
    MAINTENANCE,
    STARTING,
    State,
    Verdict,
    changed,
    readings,
    tampered,
)

REPEAT = 900.0  # s after which a state that has not changed is told again


class Source(Protocol):
    """What turns a detector's readings into verdicts."""

    details: dict[str, Value]
    due: Instant | None  # of readings that wait for `settle`

    def hear(self, role: str, reading: Reading) -> Verdict | None: ...

    def settle(self) -> Verdict | None: ...

    def look(self, now: Instant) -> Verdict | None: ...


class Space:
    def __init__(self, place: Place, source: Source, now: Verdict, before: Verdict | None) -> None:
        """`now`: what it is taken for at the start; `before`: what was last told of it."""
        self.place, self.source, self.shown = place, source, now
        self._before = before
        self._told = now.at.mono  # ns, when its readings were last told

    def announce(self, at: Instant) -> list[Record]:
        """At the start. Where something was told of it that does not hold now, that is an event."""
        self._told = at.mono
        records: list[Record] = [*readings(self.place.space, self.shown, at)]
        before, self._before = self._before, None
        if before is not None and before.state.plain != self.shown.state.plain:
            records.append(changed(self.place, self.shown, before, {}, start=True))
        return records

    def show(self, verdict: Verdict) -> list[Record]:
        """The records that it makes; none where it says nothing new."""
        before = self.shown
        if (verdict.state, verdict.reason) == (before.state, before.reason):
            return []
        self._told = verdict.at.mono
        if verdict.state is before.state:
            self.shown = replace(before, reason=verdict.reason)
            return [*readings(self.place.space, self.shown, verdict.at)]
        self.shown = verdict
        start = before.branch == STARTING
        records: list[Record] = [*readings(self.place.space, verdict, verdict.at)]
        records.append(changed(self.place, verdict, before, self.source.details, start=start))
        if verdict.state is State.INTERFERENCE and verdict.reason != MAINTENANCE:
            records.append(tampered(self.place, verdict))
        return records

    def look(self, now: Instant) -> list[Record]:
        """It is `now`: silence becomes `unknown`, and what stands is told again now and then."""
        verdict = self.source.look(now)
        if verdict is not None:
            return self.show(verdict)
        if (now.mono - self._told) / 1e9 < REPEAT:
            return []
        self._told = now.mono
        return [*readings(self.place.space, self.shown, now)]

    def line(self) -> Mapping[str, Any]:
        """Plain values, ready for JSON; `since` in unix s."""
        shown, details = self.shown, self.source.details
        return {
            "space": self.place.space,
            "name": self.place.name,
            "device": self.place.device,
            "detector": self.place.detector,
            "state": shown.state.plain,
            "parking_state": shown.state.value,
            "since": shown.since.wall / 1e9,
            "quality": shown.quality.value,
            "reason": shown.reason,
            "branch": shown.branch,
            "battery": details.get("battery_level", details.get("battery_voltage")),
            "rssi": details.get("rssi"),
            "details": dict(details),
        }
