"""What the spaces were when the service stopped, and the fields that detectors learned."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.contract import Instant
from agent.host import DeviceState
from agent.parking.record import KEPT, STARTING, State, Verdict

SHORT = 30.0  # s of a stop, after which the spaces are not what they were
STOPPED = "@stopped"  # no space is called so


@dataclass(frozen=True, slots=True)
class Kept:
    """Two small files, each replaced as a whole. Damaged ones hold nothing."""

    states: DeviceState
    fields: DeviceState

    @classmethod
    def within(cls, folder: Path | None) -> "Kept":
        """None: in memory only."""
        return cls(
            DeviceState(folder and folder / "states.json"),
            DeviceState(folder and folder / "fields.json"),
        )

    def verdict(self, space: str, now: Instant) -> tuple[Verdict, Verdict | None]:
        """What the space is taken for at the start, and what it was when it was last saved.

        After a stop of at most 30 s, on the same boot, it is what it was, and marked `kept`.
        """
        before = _verdict(self.states.get(space, ""))
        if before is not None and before.state.occupied is not None and self._was_short(now):
            return before, before
        return Verdict(State.UNKNOWN, now, STARTING, STARTING), before

    def note(self, verdicts: Mapping[str, Verdict], stopped: Instant | None) -> None:
        """Every space's state, before `states` is saved. `stopped`: nothing more will come."""
        self._forget(self.states, {STOPPED, *verdicts})
        for space, verdict in verdicts.items():
            since = verdict.since
            self.states[space] = json.dumps(
                [verdict.state, verdict.branch, since.boot, since.mono, since.wall, since.trusted]
            )
        if stopped is not None:
            self.states[STOPPED] = json.dumps([stopped.boot, stopped.mono])

    def note_fields(self, fields: Mapping[str, str]) -> None:
        self._forget(self.fields, fields)
        for space, state in fields.items():
            self.fields[space] = state

    def _was_short(self, now: Instant) -> bool:
        try:
            boot, mono = json.loads(self.states.get(STOPPED, ""))
            return bool(boot == now.boot and (now.mono - mono) / 1e9 <= SHORT)
        except (ValueError, TypeError):
            return False

    @staticmethod
    def _forget(state: DeviceState, wanted: Iterable[str]) -> None:
        for gone in state.keys() - set(wanted):
            del state[gone]


def _verdict(text: str) -> Verdict | None:
    try:
        state, branch, boot, mono, wall, trusted = json.loads(text)
        since = Instant(str(boot), int(mono), int(wall), bool(trusted))
        return Verdict(State(state), since, str(branch), KEPT)
    except (ValueError, TypeError):
        return None
