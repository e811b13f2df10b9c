"""How long to wait before the next attempt, and which broker to try."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_base, wait_random_exponential

from agent.uplink.words import REFUSED, TAKEN_OVER


@dataclass(frozen=True)
class Pace:
    """Seconds. The waits are tenacity's, with full jitter: a thousand gateways must not come back
    to a restarted broker in the same second."""

    lost: wait_base = field(
        default_factory=lambda: wait_random_exponential(multiplier=1, min=0.1, max=60)
    )
    refused: wait_base = field(
        default_factory=lambda: wait_random_exponential(multiplier=120, min=60, max=900)
    )
    taken_over: wait_base = field(
        default_factory=lambda: wait_random_exponential(multiplier=120, min=60, max=3600)
    )
    same_pack: wait_base = field(  # before a pack that the broker would not take is sent again
        default_factory=lambda: wait_random_exponential(multiplier=10, min=5, max=60)
    )
    probe: float = 5.0  # between looks whether somebody listens
    status: float = 30.0  # between looks at what `status` and `describe` say
    manifest: float = 3600.0
    farewell: float = 2.0  # for what is in flight when the service stops
    healthy: float = 5.0  # a connection that lived this long was a good one

    def after(self, reason: str, attempt: int) -> float:
        """The wait after the attempt-th failure in a row, from 1."""
        return seconds(
            {REFUSED: self.refused, TAKEN_OVER: self.taken_over}.get(reason, self.lost), attempt
        )


def seconds(wait: wait_base, attempt: int) -> float:
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    return float(wait(state))


@dataclass(slots=True)
class _Turn:
    broker: str
    failures: int = 0
    due: float = 0.0


class Rota:
    """Brokers in the order of preference, each with a wait of its own: one that refuses us is left
    alone for minutes while the next is tried at once. Times are of one monotonic clock."""

    def __init__(self, brokers: Sequence[str], pace: Pace) -> None:
        self._turns = [_Turn(broker) for broker in brokers]
        self._pace = pace

    def next(self, now: float) -> tuple[str, float]:
        """The first broker that may be tried, and how long to wait before."""
        due = next((turn for turn in self._turns if turn.due <= now), None)
        if due is not None:
            return due.broker, 0.0
        soonest = min(self._turns, key=lambda turn: turn.due)
        return soonest.broker, soonest.due - now

    def failed(self, broker: str, reason: str, now: float) -> float:
        """Returns how long that broker is left alone."""
        turn = self._turn(broker)
        turn.failures += 1
        wait = self._pace.after(reason, turn.failures)
        turn.due = now + wait
        return wait

    def healthy(self, broker: str) -> None:
        self._turn(broker).failures = 0

    def _turn(self, broker: str) -> _Turn:
        return next(turn for turn in self._turns if turn.broker == broker)
