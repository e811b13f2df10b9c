"""Is this packet new? Judged by the counter in it, before anything is decoded. Pure.

Two sorts of counters. *Proven* ones are part of what the key authenticates: they only grow, and
what is not above the highest ever seen is a replay. *Open* ones are a byte or two that wrap, and
anybody can write them: they tell repetitions apart from news, and two senders from one.
"""

from dataclasses import dataclass
from enum import Enum

RUN = 3  # packets in order that make a series
SETTLED = 60.0  # s: a proven counter that starts again is believed in no sooner
PAUSE = 60.0  # s without a packet, after which an open counter may be anything but the last
FORGET = 600.0  # s after which a series that says nothing more is forgotten


class Verdict(Enum):
    FRESH = "fresh"
    REPEATED = "repeated"  # the same packet again, as radios send it
    OLD = "old"
    RESTARTED = "restarted"  # went back and counts on from there: a new battery, or a recording
    DOUBLE = "double"  # two series at the same time: two transmitters behind one address


@dataclass
class _Run:
    """A series beside the one that is followed."""

    last: int
    length: int
    since: float
    at: float
    follower: bool = False  # the series that is followed went on meanwhile


class Counter:
    """`now` is in seconds of a clock that never goes back. `bits` is the counter's width."""

    def __init__(self, bits: int, *, proven: bool, last: int | None = None) -> None:
        self._modulus, self.proven = 1 << bits, proven
        self.last = last
        self._at = float("-inf")
        self._run: _Run | None = None

    def judge(self, value: int, now: float) -> Verdict:
        """Changes nothing: the packet may yet turn out to be forged."""
        if self.last is None:
            return Verdict.FRESH
        if value == self.last or (self._run is not None and value == self._run.last):
            return Verdict.REPEATED
        if self._is_next(value, self.last) or (not self.proven and now - self._at > PAUSE):
            return Verdict.FRESH
        return Verdict.OLD

    def take(self, value: int, now: float) -> Verdict:
        """An authentic packet that `judge` called fresh or old: what it means now that it is."""
        if self._run is not None and now - self._run.at > FORGET:
            self._run = None
        if self.judge(value, now) is Verdict.FRESH:
            return self._follow(value, now)
        run = self._run
        if run is None or not self._is_next(value, run.last):
            self._run = _Run(value, 1, now, now)
            return Verdict.OLD
        run.last, run.length, run.at = value, run.length + 1, now
        return self._settle(run, now)

    def _follow(self, value: int, now: float) -> Verdict:
        self.last, self._at = value, now
        if self._run is None:
            return Verdict.FRESH
        self._run.follower = True
        doubtful = not self.proven and self._run.length >= RUN
        return Verdict.DOUBLE if doubtful else Verdict.FRESH

    def _settle(self, run: _Run, now: float) -> Verdict:
        if run.length < RUN:
            return Verdict.OLD
        if run.follower:
            return Verdict.DOUBLE
        if self.proven:
            return Verdict.RESTARTED if now - run.since >= SETTLED else Verdict.OLD
        self.last, self._at, self._run = run.last, now, None
        return Verdict.FRESH

    def _is_next(self, value: int, last: int) -> bool:
        if self.proven:
            return value > last
        return 0 < (value - last) % self._modulus < self._modulus // 4
