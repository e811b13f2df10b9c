"""When a scan that hears nothing is helped along. Pure.

Scans of BlueZ die silently (github.com/bluez/bluez/issues/807 and others). What helps is tried in
turn: the scan anew, the adapter's power off and on, then a person is told; after that the power
again, now and then.
"""

from enum import Enum

SILENCE = 90.0  # s without any advertisement, anybody's
IDLE = 15.0  # s that the system says it is not scanning though it was told to
AGAIN = 900.0  # s between two power cycles once a person was told


class Action(Enum):
    NONE = "none"
    RESTART = "restart"
    POWER_CYCLE = "power_cycle"
    REPORT = "report"


class Watchdog:
    """Seconds of a clock that never goes back. `silence`: how long nobody's word is normal."""

    def __init__(self, now: float, silence: float = SILENCE) -> None:
        self.silence = silence
        self._heard = self._acted = now
        self._idle_since: float | None = None
        self._done = 0  # actions since something was heard

    def heard(self, now: float) -> bool:
        """Something came. True where a person had been told that nothing does."""
        told = self._done > 2
        self._heard = self._acted = now
        self._done = 0
        return told

    def look(self, now: float, *, scanning: bool) -> Action:
        """What to do now; `scanning` is what the system says of itself."""
        if scanning:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        idle = self._idle_since is not None and now - self._idle_since >= IDLE
        if not idle and now - self._acted < (self.silence if self._done < 3 else AGAIN):
            return Action.NONE
        self._acted, self._idle_since = now, None
        self._done += 1
        return _TURNS[min(self._done, len(_TURNS)) - 1]

    def silent_for(self, now: float) -> float:
        return now - self._heard


_TURNS = (Action.RESTART, Action.POWER_CYCLE, Action.REPORT, Action.POWER_CYCLE)
