"""When a device that does not answer is asked again: seldom, so that it costs its wire little."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds, unless said."""

    failures: int = 3  # lost answers in a row that open the breaker
    first: float = 10.0  # until the first probe, or the device's period if that is longer
    longest: float = 60.0  # between two probes
    jitter: float = 0.1  # of each delay, both ways
    look: float = 1.0  # until a wire that is not there is looked for again
    bugs: int = 5  # failures of a driver's own in a row that end the scheduler


PATIENT = Policy()


class Breaker:
    """Pure: told what happened, says how long to wait. `draw` gives 0…1."""

    def __init__(
        self, policy: Policy, period: float, draw: Callable[[], float] = random.random
    ) -> None:
        self._policy, self._draw = policy, draw
        self._first = max(policy.first, period)
        self._longest = max(policy.longest, period)
        self._losses = 0
        self._delays = 0

    @property
    def open(self) -> bool:
        return self._losses >= self._policy.failures

    def answered(self) -> None:
        """With values or with an error: the device is there."""
        self._losses = self._delays = 0

    def lost(self) -> None:
        self._losses += 1

    def delay(self) -> float:
        """Seconds until the next probe; longer each time, until the device answers."""
        delay = min(self._longest, self._first * 2.0 ** min(self._delays, 16))
        self._delays += 1
        return delay * (1 + self._policy.jitter * (2 * self._draw() - 1))
