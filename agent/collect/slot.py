"""One device in a scheduler: what a read of it came to, and when it is due again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from agent.clock import Clock
from agent.collect.beats import beat_after
from agent.collect.breaker import Breaker, Policy
from agent.collect.health import Health, bad_readings
from agent.contract import (
    Device,
    DeviceFault,
    Event,
    LinkLost,
    Misconfigured,
    PolledDriver,
    Reading,
)
from agent.contract.errors import WIRE_GONE
from agent.status import DeviceStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    device: Device
    driver: PolledDriver


@dataclass(frozen=True, slots=True)
class Outcome:
    """`due`: loop time of the next read; None: never again."""

    readings: Sequence[Reading]
    events: Sequence[Event]
    due: float | None


class Slot:
    """Decides, touches no wire. All times are loop times in seconds."""

    def __init__(
        self, member: Member, beat: float, policy: Policy, clock: Clock, status: DeviceStatus
    ) -> None:
        """`beat`: when the first read is due."""
        self.member = member
        self.due = beat  # the next beat, or a probe, or a look at the wire
        self.opened = False  # the driver
        self.breaker = Breaker(policy, member.device.every)
        self._policy, self._clock = policy, clock
        self._health = Health(member.device, status, clock)
        self._beat = beat
        self._bugs = 0

    def read(self, readings: Sequence[Reading], seconds: float, now: float) -> Outcome:
        """It took so long and brought these."""
        events = self._health.read(readings, seconds)
        return Outcome(readings, events, self._answered(now))

    def failed(self, error: Exception, now: float) -> Outcome:
        """Raises the fifth bug in a row."""
        if isinstance(error, LinkLost):
            self._bugs = 0
            return (
                self._wire_gone(error, now) if error.reason in WIRE_GONE else self._lost(error, now)
            )
        bad = self._bad(error)
        if isinstance(error, DeviceFault):
            return Outcome(bad, self._health.faulty(error, len(bad)), self._answered(now))
        if isinstance(error, Misconfigured):
            return Outcome(bad, self._health.parked(error, len(bad)), None)
        self._count_bug(error)
        events = self._health.failed(error, len(bad), down=True, complain=False)
        return Outcome(bad, events, now + self.breaker.delay())

    def _answered(self, now: float) -> float:
        was_open = self.breaker.open
        self.breaker.answered()
        self._bugs = 0
        return self._next_beat(now, count_skips=not was_open)

    def _lost(self, error: LinkLost, now: float) -> Outcome:
        self.breaker.lost()
        down = self.breaker.open
        bad = self._bad(error)
        events = self._health.failed(error, len(bad), down=down)
        if down:
            return Outcome(bad, events, now + max(self.breaker.delay(), error.retry_after))
        return Outcome(bad, events, self._next_beat(now + error.retry_after))

    def _wire_gone(self, error: LinkLost, now: float) -> Outcome:
        """No fault of the device: looked for again soon, with bad readings at the beats only."""
        bad = self._bad(error) if self.due >= self._beat else []
        events = self._health.failed(error, len(bad), down=True, complain=False)
        look = now + (error.retry_after or self._policy.look)
        return Outcome(bad, events, min(look, self._next_beat(now)))

    def _next_beat(self, after: float, *, count_skips: bool = True) -> float:
        """The first beat after that; those passed over are counted."""
        period = self.member.device.every
        beat = beat_after(self._beat, period, after)
        passed = round((beat - self._beat) / period) - (self.due >= self._beat)
        if count_skips and passed > 0:
            self._health.skipped(passed)
        self._beat = beat
        return beat

    def _count_bug(self, error: Exception) -> None:
        self._bugs += 1
        log.error(
            "%s: bug %d in a row in its driver; opening it anew",
            self.member.device.id,
            self._bugs,
            exc_info=error,
        )
        if self._bugs >= self._policy.bugs:
            raise error

    def _bad(self, error: Exception) -> list[Reading]:
        return bad_readings(self.member.device, self.member.driver.points, error, self._clock)
