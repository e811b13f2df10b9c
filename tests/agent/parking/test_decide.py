"""Each branch of the decisions, by name."""

import pytest

from agent.parking.block import Block, Vector
from agent.parking.decide import compared, judge, magnet
from agent.parking.memory import Memory, Occupancy
from agent.parking.parameters import Parameters
from agent.parking.wave import Wave

P = Parameters()
EMPTY: Vector = (0.0, 30.0, -40.0)
CAR: Vector = (10.0, -8.0, 6.0)


def at(change: Vector, share: float = 1.0) -> Vector:
    x, y, z = (e + share * c for e, c in zip(EMPTY, change, strict=True))
    return x, y, z


def vacant() -> Memory:
    return Memory(Occupancy.VACANT, empty=EMPTY)


def occupied(drift: Vector = (0.0, 0.0, 0.0)) -> Memory:
    parked: Vector = (at(CAR)[0] + drift[0], at(CAR)[1] + drift[1], at(CAR)[2] + drift[2])
    return Memory(Occupancy.OCCUPIED, car=True, empty=EMPTY, parked=parked, entered=CAR)


def wave(level: Vector, swing: float, slope: float, *, blind: bool = False) -> Wave:
    """A wave of that L1 span (uT) above the level, that steep (uT/s)."""
    seen = Wave(P, 0.0, level, blind=blind)
    x, y, z = level
    high = (x + swing, y, z)
    seen.add(Block(1.0, level, level, high, slope * 0.2, 0.2), noise=0.0)
    return seen


OVERHEAD = 90.0, 150.0
BESIDE = 12.0, 4.0


@pytest.mark.parametrize(
    ("field", "what", "car", "branch"),
    [
        (at(CAR), OVERHEAD, True, "settled_wave"),
        (at(CAR, 0.01), OVERHEAD, False, "passed_over"),
        (at(CAR, 0.4), BESIDE, False, "not_overhead"),
        (at(CAR, 1.2), BESIDE, True, "settled"),
    ],
)
def test_arriving(field: Vector, what: tuple[float, float], car: bool, branch: str) -> None:
    seen = wave(EMPTY, *what)
    memory = vacant()
    overhead = seen.overhead(memory.noise, field)
    assert judge(memory, seen, field, P, overhead=overhead) == (car, branch)


@pytest.mark.parametrize(
    ("drift", "field", "what", "car", "branch"),
    [
        ((0, 0, 0), at(CAR, 0.05), OVERHEAD, False, "mirror"),
        ((9, 9, 9), at((9.0, 9.0, 9.5)), OVERHEAD, False, "mirror"),
        ((9, 9, 9), at((0.5, 0.5, 0.5)), OVERHEAD, False, "near_baseline"),
        ((9, 9, 9), at((2.0, 2.0, 2.0)), OVERHEAD, False, "nearest"),
        ((0, 0, 0), at(CAR), OVERHEAD, True, "not_moved"),
        ((0, 0, 0), at((-20.0, 4.0, 20.0)), OVERHEAD, True, "another_car"),
        ((0, 0, 0), at(CAR, 0.05), BESIDE, False, "mirror_unseen"),
        ((0, 0, 0), at(CAR, 0.7), BESIDE, True, "not_overhead"),
    ],
)
def test_leaving(
    drift: Vector, field: Vector, what: tuple[float, float], car: bool, branch: str
) -> None:
    memory = occupied(drift)
    seen = wave(memory.parked, *what)
    overhead = seen.overhead(memory.noise, field)
    assert judge(memory, seen, field, P, overhead=overhead) == (car, branch)


@pytest.mark.parametrize(("arrived_with", "gone"), [(95.0, True), (300.0, False), (40.0, False)])
def test_a_wave_like_the_one_it_came_with_is_its_way_out(arrived_with: float, gone: bool) -> None:
    """A neighbour has shifted the field by as much as the weak car does."""
    memory = Memory(
        Occupancy.OCCUPIED, car=True, empty=EMPTY, parked=at(CAR, 0.2), entered=(2.0, -1.6, 1.2)
    )
    memory.swing = arrived_with
    seen = wave(memory.parked, *OVERHEAD)
    verdict = judge(memory, seen, at((3.0, 1.5, 1.5)), P, overhead=True)
    assert verdict == ((False, "same_wave") if gone else (True, "another_car"))


def test_a_weak_change_without_a_wave_undoes_nothing() -> None:
    memory = Memory(
        Occupancy.OCCUPIED, car=True, empty=EMPTY, parked=at(CAR, 0.2), entered=(2.0, -1.6, 1.2)
    )
    seen = wave(memory.parked, *BESIDE)
    assert judge(memory, seen, EMPTY, P, overhead=False) == (True, "not_overhead")
    in_a_gap = wave(memory.parked, *BESIDE, blind=True)
    assert judge(memory, in_a_gap, EMPTY, P, overhead=False) == (False, "mirror_unseen")


def test_a_step_is_no_wave_however_steep() -> None:
    step = wave(EMPTY, swing=35.0, slope=170.0)
    assert not step.overhead(0.0, (EMPTY[0] + 35.0, *EMPTY[1:]))
    assert step.overhead(0.0, EMPTY)


def test_a_strong_car_is_no_magnet_and_a_magnet_no_car() -> None:
    strong: Vector = (EMPTY[0] + 200, *EMPTY[1:])
    assert magnet(Occupancy.VACANT, wave(EMPTY, 201.0, 900.0), strong, P)
    assert not magnet(Occupancy.VACANT, wave(EMPTY, 500.0, 900.0), strong, P)
    assert magnet(Occupancy.VACANT, wave(EMPTY, 900.0, 900.0), (600.0, 30.0, -40.0), P)
    assert magnet(Occupancy.INTERFERENCE, wave(EMPTY, 500.0, 900.0), strong, P)
    assert not magnet(Occupancy.VACANT, wave(EMPTY, 40.0, 900.0), at(CAR), P)


def test_cars_differ_and_the_empty_bay_does_not() -> None:
    cars: list[Vector] = [at(CAR), at(CAR, -1.0), at(CAR, 2.0)]
    bays: list[Vector] = [EMPTY, at(CAR, 0.1), at(CAR, -0.05)]
    alternating = [field for pair in zip(cars, bays, strict=True) for field in pair]
    assert compared(alternating, P) is False
    assert compared(alternating[::-1], P) is True
    assert compared(alternating[1:], P) is None
    assert compared([EMPTY] * 6, P) is None
    assert compared(cars * 2, P) is None


def test_after_silence_the_nearest_of_three_fields_decides() -> None:
    drift = (9.0, 9.0, 9.0)  # more than the car's own field
    memory = occupied(drift)
    memory.occupancy = Occupancy.UNKNOWN
    seen = wave(memory.parked, *BESIDE, blind=True)
    verdicts = [
        judge(memory, seen, field, P, overhead=False)
        for field in (at(drift), at((0.0, 0.0, 0.0)), memory.parked)
    ]
    assert verdicts == [(False, "resumed"), (False, "resumed"), (True, "resumed")]
