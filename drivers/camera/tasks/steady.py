"""A state that does not flicker: two thresholds, and two of the last three looks. Pure."""

from collections import deque
from dataclasses import dataclass, field

from drivers.camera.tasks.calibration import odds

LOOKS, NEEDED = 3, 2
BAND = 0.62  # log-odds on each side of the threshold in which nothing is decided: 0.35 to 0.65


@dataclass(slots=True)
class Steady:
    """`occupied` is None until it is known."""

    threshold: float = 0.5
    occupied: bool | None = None
    _votes: deque[bool | None] = field(default_factory=lambda: deque(maxlen=LOOKS))

    def look(self, chance: float) -> bool:
        """True when the state has changed. `chance`: that it is occupied, 0 to 1."""
        self._votes.append(self._vote(chance))
        for state in (True, False):
            if self._votes.count(state) >= NEEDED and self.occupied is not state:
                self.occupied = state
                return True
        return False

    def forget(self) -> bool:
        """Nothing is known any more. True when something was."""
        was, self.occupied = self.occupied, None
        self._votes.clear()
        return was is not None

    def _vote(self, chance: float) -> bool | None:
        """None in between."""
        above = odds(chance) - odds(self.threshold)
        return None if abs(above) < BAND else above > 0
