"""The decisions, once a field has settled: pure, and each with the name of its branch."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from agent.parking.block import Vector, distance
from agent.parking.memory import Memory, Occupancy
from agent.parking.parameters import Parameters
from agent.parking.wave import Wave

_ZERO: Vector = (0.0, 0.0, 0.0)


class Verdict(NamedTuple):
    """Whether a car stands there, and which branch says so."""

    car: bool
    branch: str


def judge(memory: Memory, wave: Wave, field: Vector, p: Parameters, *, overhead: bool) -> Verdict:
    """The field has settled at `field` (uT) after `wave`."""
    empty = memory.empty
    if empty is None:
        return Verdict(False, "calibrated")
    if memory.occupancy in {Occupancy.UNKNOWN, Occupancy.INTERFERENCE}:
        return resumed(memory, empty, field, p)
    if wave.fast or not memory.car:
        return arrival(distance(field, empty), wave, memory.noise, p, overhead=overhead)
    if overhead:
        return leave_after_wave(memory, empty, wave.swing(memory.noise), field, p)
    return leave_unseen(memory, empty, wave, field, p)


def resumed(memory: Memory, empty: Vector, field: Vector, p: Parameters) -> Verdict:
    """Nobody has seen what happened: the nearest of the fields that are known."""
    if not memory.car:
        return Verdict(distance(field, empty) >= p.enter_blind, "resumed")
    gone = min(distance(field, empty), distance(field, memory.mirrored))
    return Verdict(distance(field, memory.parked) <= gone, "resumed")


def arrival(change: float, wave: Wave, noise: float, p: Parameters, *, overhead: bool) -> Verdict:
    """`change`: L1 from the baseline, uT."""
    if overhead:
        passed = change < least_move(noise, p)
        return Verdict(False, "passed_over") if passed else Verdict(True, "settled_wave")
    if change >= (p.enter_blind if wave.blind else p.enter_still):
        return Verdict(True, "settled")
    return Verdict(False, "not_overhead")


def leave_after_wave(
    memory: Memory, empty: Vector, swing: float, field: Vector, p: Parameters
) -> Verdict:
    """The car that stood there has moved, or another has come; is it gone? `swing` in uT.

    It is, unless the field is as before or much nearer to that of a car than to both empty fields:
    a neighbour that moves at the same time may shift them by as much as a weak car does.
    """
    baseline, mirror = distance(field, empty), distance(field, memory.mirrored)
    stayed = distance(field, memory.parked)
    left_over = p.mirror * distance(memory.entered, _ZERO)
    nearest = min(baseline, mirror)
    if stayed < min(p.nearer * nearest, least_move(memory.noise, p)):
        return Verdict(True, "not_moved")
    if mirror <= max(p.near, left_over):
        return Verdict(False, "mirror")
    if baseline <= p.near:
        return Verdict(False, "near_baseline")
    if nearest <= p.nearer * stayed or nearest <= min(p.far, stayed):
        return Verdict(False, "nearest")
    if nearest <= p.far and p.same_wave <= swing / max(1.0, memory.swing) <= 1 / p.same_wave:
        return Verdict(False, "same_wave")
    return Verdict(True, "another_car")


def leave_unseen(
    memory: Memory, empty: Vector, wave: Wave, field: Vector, p: Parameters
) -> Verdict:
    """No wave from above is certain: gone only where the arrival's change is undone.

    Without any wave that must be a change that no neighbour makes.
    """
    left_over = min(distance(field, empty), distance(field, memory.mirrored))
    moved = distance(field, memory.parked)
    wavy = wave.blind or wave.swing(memory.noise) >= p.wave_swing
    enough = p.near if wavy else p.enter_still
    undone = left_over <= max(p.near, p.mirror * distance(memory.entered, _ZERO))
    if undone and moved >= enough and left_over < moved:
        return Verdict(False, "mirror_unseen")
    return Verdict(True, "not_overhead")


def compared(fields: Sequence[Vector], p: Parameters) -> bool | None:
    """Whether a car stands there, from the fields (uT) that waves from above left behind.

    They alternate between empty and parked. The empty ones are alike, and cars differ: that tells
    which are which even where calibration was done under a car or an edge was missed. None: they
    do not tell.
    """
    if len(fields) < 2 * p.visits:
        return None
    now, before = _spread(fields[-1::-2]), _spread(fields[-2::-2])
    if max(now, before) < p.unlike or min(now, before) > p.alike * max(now, before):
        return None
    return now > before


def _spread(fields: Iterable[Vector]) -> float:
    return max(distance(a, b) for a, b in combinations(fields, 2))


def least_move(noise: float, p: Parameters) -> float:
    """uT, the L1 change without which nothing has come or gone."""
    return max(p.moved, p.moved_noise * noise)


def magnet(before: Occupancy, wave: Wave, field: Vector, p: Parameters) -> bool:
    """Whether a magnet lies on the sensor: a field beyond most cars', reached without a wave."""
    strength = distance(field, _ZERO)
    if max(map(abs, field)) < p.magnet_axis and strength < p.magnet_sum:
        return False
    if before is Occupancy.INTERFERENCE or wave.level is None or strength >= p.magnet_sure:
        return True
    shift = distance(field, wave.level)
    straight = wave.swing(0.0) <= p.magnet_swing * shift
    return straight and shift >= p.magnet_axis and not wave.blind
