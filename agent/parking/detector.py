"""Occupied or free, from a raw magnetometer in the floor of a parking bay."""

from collections import deque
from collections.abc import Mapping
from math import isfinite
from typing import Any

from agent.parking.block import Block, Gatherer, Vector, distance, minus, plus
from agent.parking.decide import Verdict, compared, judge, magnet
from agent.parking.memory import Change, Memory, Occupancy
from agent.parking.parameters import Parameters
from agent.parking.wave import Wave, agree, calm, stationary


class Detector:
    """Pure: no I/O, no clock. Made for 1 to 10 samples a second; fewer show no waves.

    The first field that settles counts as that of an empty bay, unless `kept`, the `state()` of
    an earlier run, knows more. Kept state that is damaged raises ValueError.
    """

    def __init__(
        self, parameters: Parameters | None = None, kept: Mapping[str, Any] | None = None
    ) -> None:
        self._p = p = parameters or Parameters()
        self._memory = Memory.from_dict(kept) if kept else Memory()
        self._gatherer = Gatherer(p.block, p.samples)
        self._level = self._memory.known  # uT, that of calm
        self._lagging: deque[Vector] = deque()  # means of calm blocks that it does not hold yet
        self._wave: Wave | None = Wave(p, self._memory.last or 0.0, self._level, blind=True)
        self._recent: deque[Block] = deque(maxlen=p.settle)  # of the wave

    @property
    def occupancy(self) -> Occupancy:
        return self._memory.occupancy

    @property
    def baseline(self) -> Vector | None:
        """uT; None until calibrated."""
        return self._memory.empty

    def state(self) -> dict[str, Any]:
        """What a restart must not lose, in JSON types: a few hundred bytes."""
        return self._memory.to_dict()

    def feed(self, t: float, x: float, y: float, z: float) -> Change | None:
        """One sample: seconds on any clock that grows, and uT. The change that it brings, if any.

        Samples that are no numbers, or repeat a time, are ignored.
        """
        last = self._memory.last
        if not isfinite(x + y + z) or t == last:
            return None
        change = None
        if last is not None and not 0.0 < t - last < self._p.gap:
            change = self._missed(t, last)
        self._memory.last = t
        block = self._gatherer.add(t, x, y, z)
        if block is None:
            return change
        return self._moving(block, self._wave) if self._wave else self._calm(block)

    def tick(self, t: float) -> Change | None:
        """It is `t` (as in `feed`), and no sample has come."""
        last = self._memory.last
        if last is None or t - last < self._p.silence:
            return None
        return self._silent(t, last)

    def _missed(self, t: float, last: float) -> Change | None:
        """Samples are missing between these times, or the clock was set back."""
        if t < last or t - last >= self._p.silence:
            return self._silent(t, last)
        self._wave = self._wave or Wave(self._p, last, self._level)
        self._wave.blind = True
        return None

    def _silent(self, t: float, last: float) -> Change | None:
        """Nothing is known until the field has settled again."""
        self._gatherer.clear()
        self._wave = Wave(self._p, min(t, last), self._level, blind=True)
        self._recent.clear()
        return self._become(Occupancy.UNKNOWN, "silence", t, self._wave)

    def _calm(self, block: Block) -> Change | None:
        p, memory, level = self._p, self._memory, self._level
        if level is None or not calm(block, level, memory.noise, p):
            self._lagging.clear()
            self._recent.clear()
            self._wave = Wave(p, block.end, level)
            return self._moving(block, self._wave)
        memory.noise += p.noise_follow * (block.span - memory.noise)
        self._lagging.append(block.mean)
        if len(self._lagging) > p.lag:
            level = plus(level, minus(self._lagging.popleft(), level), p.follow)
            self._level = level
            memory.follow(level)
        return None

    def _moving(self, block: Block, wave: Wave) -> Change | None:
        p, memory, recent = self._p, self._memory, self._recent
        wave.add(block, memory.noise)
        recent.append(block)
        if len(recent) < p.settle:
            return None
        restless = memory.empty is None or block.end - wave.begin >= p.restless
        if restless and stationary(recent, p):
            memory.noise = sum(b.span for b in recent) / p.settle
        if not agree(recent, p, memory.noise):
            return self._unsettled(block, wave)
        x, y, z = (sum(axis) / p.settle for axis in zip(*(b.mean for b in recent), strict=True))
        return self._settled(block.end, wave, (x, y, z))

    def _unsettled(self, block: Block, wave: Wave) -> Change | None:
        """A field that stays far from the empty one for long need not settle to be believed."""
        p, memory = self._p, self._memory
        if memory.empty is None or distance(block.mean, memory.empty) < p.enter_fast:
            wave.remote = 0
            return None
        wave.remote += 1
        if wave.remote < p.fast:
            return None
        overhead = wave.overhead(memory.noise, block.mean)
        if memory.occupancy is not Occupancy.VACANT or not overhead:
            return None
        wave.fast = True
        memory.arrive(block.mean, wave.swing(memory.noise))
        return self._become(Occupancy.OCCUPIED, "fast", block.end, wave, block.mean)

    def _settled(self, t: float, wave: Wave, field: Vector) -> Change | None:
        p, memory = self._p, self._memory
        self._wave, self._level = None, field
        if magnet(memory.occupancy, wave, field, p):
            return self._become(Occupancy.INTERFERENCE, "magnet", t, wave, field)
        overhead = wave.overhead(memory.noise, field)
        verdict = judge(memory, wave, field, p, overhead=overhead)
        if wave.blind or not overhead:
            self._uncompared(wave, verdict, field)
        else:
            verdict = self._checked(verdict, field)
        self._apply(verdict, wave, field)
        occupancy = Occupancy.OCCUPIED if verdict.car else Occupancy.VACANT
        return self._become(occupancy, verdict.branch, t, wave, field)

    def _uncompared(self, wave: Wave, verdict: Verdict, field: Vector) -> None:
        """A visit may begin or end here that no wave from above has told."""
        hidden = wave.blind and distance(field, wave.level or field) > self._p.near
        if hidden or verdict.car is not self._memory.car:
            self._memory.left_behind = []

    def _checked(self, verdict: Verdict, field: Vector) -> Verdict:
        """The verdict, unless the last visits say that empty and parked were mixed up."""
        memory = self._memory
        if verdict.branch in {"passed_over", "not_moved"}:
            memory.left_behind = []
            return verdict
        memory.left_behind = [*memory.left_behind, field][-2 * self._p.visits :]
        car = compared(memory.left_behind, self._p)
        if car is None or car is verdict.car:
            return verdict
        if car:
            memory.leave(memory.left_behind[-2])
        return Verdict(car, "visits_compared")

    def _apply(self, verdict: Verdict, wave: Wave, field: Vector) -> None:
        """What the verdict means for the fields (uT) that are remembered."""
        memory = self._memory
        if not verdict.car:
            memory.leave(field)
        elif wave.fast or not memory.car:
            memory.arrive(field, wave.swing(memory.noise))
        elif verdict.branch == "another_car":
            memory.exchange(field)
        else:
            memory.parked = field

    def _become(
        self, occupancy: Occupancy, branch: str, t: float, wave: Wave, field: Vector | None = None
    ) -> Change | None:
        memory = self._memory
        if memory.occupancy is occupancy:
            return None
        memory.occupancy = occupancy
        shift = distance(field, wave.level) if field and wave.level else 0.0
        return Change(t, occupancy, branch, wave.begin, shift, wave.swing(memory.noise))
