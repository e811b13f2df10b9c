"""What the detector says of a bay, and when it says nothing."""

import json
import random
from collections.abc import Callable

import pytest

from agent.parking import Change, Detector, Occupancy, Parameters
from agent.parking.block import plus
from tests.agent.parking.scoring import run, score
from tests.agent.parking.street import (
    BAY,
    EARTH,
    RATE,
    SCENARIOS,
    Sample,
    Street,
    Trace,
    Weather,
    field_of,
    vehicle,
)

Quiet = Callable[..., list[Sample]]
STAY = [(120.0, 900.0)]
DRIFTING = Weather(noise=0.15, drift=60.0, neighbours=False)


def one_stay(weather: Weather = SCENARIOS["typical"], seed: int = 7200) -> Trace:
    return Street(weather, seed, STAY).build()


def said(changes: list[Change]) -> list[tuple[bool | None, str]]:
    return [(change.occupied, change.branch) for change in changes]


def until(trace: Trace, t: float) -> list[Sample]:
    return [sample for sample in trace.samples if sample[0] < t]


def after(trace: Trace, t: float) -> list[Sample]:
    return [sample for sample in trace.samples if sample[0] >= t]


def test_a_car_comes_and_goes() -> None:
    changes = run(one_stay().samples)
    assert said(changes) == [(False, "calibrated"), (True, "settled_wave"), (False, "mirror")]
    assert changes[1].swing > changes[1].shift > 0
    assert changes[1].began < changes[1].t


def test_nothing_is_known_until_the_field_has_settled(quiet: Quiet) -> None:
    detector = Detector()
    known = [detector.occupancy]
    assert run(quiet(0, 3), detector) == []
    assert detector.baseline is None
    known.append(detector.occupancy)
    run(quiet(3, 20), detector)
    known.append(detector.occupancy)
    assert known == [Occupancy.UNKNOWN, Occupancy.UNKNOWN, Occupancy.VACANT]


def test_the_baseline_follows_the_drift_of_an_empty_bay() -> None:
    trace = Street(DRIFTING, 7201, []).build()
    detector = Detector()
    assert said(run(trace.samples, detector)) == [(False, "calibrated")]
    assert detector.baseline == pytest.approx(trace.samples[-1][1:], abs=1.0)


def test_the_baseline_is_held_while_a_car_stands_there() -> None:
    trace = one_stay(DRIFTING)
    detector = Detector()
    run(until(trace, 150), detector)
    held = detector.baseline
    run([s for s in trace.samples if 150 <= s[0] < 880], detector)
    assert detector.occupancy is Occupancy.OCCUPIED
    assert detector.baseline == held


def test_a_car_that_stood_there_while_the_field_drifted_is_seen_to_leave() -> None:
    trace = one_stay(DRIFTING)
    detector = Detector()
    run(until(trace, 880), detector)
    held = detector.baseline
    assert held is not None
    assert said(run(after(trace, 880), detector)) == [(False, "mirror")]
    now = trace.samples[-1][1:]
    assert sum(abs(a - b) for a, b in zip(held, now, strict=True)) > Parameters().near


@pytest.mark.parametrize("seed", range(7210, 7216))
def test_neighbours_and_the_aisle_change_nothing(seed: int) -> None:
    busy = Weather(noise=0.4, drift=14.0, neighbours=True, traffic=20.0)
    trace = Street(busy, seed, []).build()
    assert said(run(trace.samples)) == [(False, "calibrated")]


def test_a_neighbour_that_leaves_does_not_take_the_parked_car_along(quiet: Quiet) -> None:
    luck = random.Random(5)
    own, beside = (20.0, -25.0, 9.0), field_of(vehicle(luck, "suv"), BAY, 0)
    both = tuple(a + b for a, b in zip(own, beside, strict=True))
    detector = Detector()
    run([*quiet(0, 60, beside), *quiet(60, 120, both)], detector)
    assert detector.occupancy is Occupancy.OCCUPIED
    assert run(quiet(120, 180, own), detector) == []


def test_a_strong_magnet_is_tampering_and_no_car(quiet: Quiet) -> None:
    magnet = (220.0, -90.0, 160.0)
    changes = run([*quiet(0, 60), *quiet(60, 120, magnet), *quiet(120, 180)])
    assert [(c.occupancy, c.occupied) for c in changes[1:]] == [
        (Occupancy.INTERFERENCE, None),
        (Occupancy.VACANT, False),
    ]
    assert [c.branch for c in changes[1:]] == ["magnet", "resumed"]


def test_the_car_is_still_there_when_the_magnet_is_taken_away(quiet: Quiet) -> None:
    car, magnet = (12.0, -25.0, 9.0), (312.0, -25.0, 200.0)
    samples = [
        *quiet(0, 60),
        *quiet(60, 120, car),
        *quiet(120, 180, magnet),
        *quiet(180, 240, car),
        *quiet(240, 300),
    ]
    assert said(run(samples))[1:] == [
        (True, "settled"),
        (None, "magnet"),
        (True, "resumed"),
        (False, "mirror_unseen"),
    ]


def test_silence_is_unknown_and_never_free(quiet: Quiet) -> None:
    detector = Detector()
    run(quiet(0, 60), detector)
    assert detector.tick(80) is None
    lost = detector.tick(95)
    assert lost is not None
    assert (lost.occupancy, lost.occupied, lost.branch) == (Occupancy.UNKNOWN, None, "silence")
    assert detector.tick(1000) is None
    assert said(run(quiet(1000, 1020), detector)) == [(False, "resumed")]


def test_the_first_sample_after_silence_says_so_where_nobody_watched_the_time(
    quiet: Quiet,
) -> None:
    assert said(run([*quiet(0, 60), *quiet(600, 620)])) == [
        (False, "calibrated"),
        (None, "silence"),
        (False, "resumed"),
    ]


@pytest.mark.parametrize("gone", [False, True])
def test_after_silence_the_field_tells_whether_the_car_is_still_there(
    quiet: Quiet, gone: bool
) -> None:
    detector = Detector()
    run([*quiet(0, 60), *quiet(60, 120, (20.0, -25.0, 9.0))], detector)
    assert detector.occupancy is Occupancy.OCCUPIED
    left = (3.5, -2.5, 4.0) if gone else (24.0, -31.0, 12.0)
    changes = run(quiet(4000, 4030, left), detector)
    assert said(changes) == [(None, "silence"), (not gone, "resumed")]


def test_a_clock_that_is_set_back_is_silence(quiet: Quiet) -> None:
    assert said(run([*quiet(500, 560), *quiet(0, 30)]))[1:] == [
        (None, "silence"),
        (False, "resumed"),
    ]


def test_an_arrival_that_falls_into_a_gap_is_found_by_its_field(quiet: Quiet) -> None:
    samples = [*quiet(0, 60), *quiet(72, 120, (9.0, -6.0, 4.0))]
    assert said(run(samples))[1:] == [(True, "settled")]


def test_samples_that_are_no_numbers_or_repeat_a_time_are_ignored(quiet: Quiet) -> None:
    samples = []
    for t, x, y, z in quiet(0, 60):
        samples += [(t, x, y, z), (t, 999.0, y, z), (t + 0.1, float("nan"), y, z)]
    assert said(run(samples)) == [(False, "calibrated")]


def test_more_noise_is_got_used_to(quiet: Quiet) -> None:
    trace = one_stay(Weather(noise=0.9, drift=0.0))
    late = [(t + 300, x, y, z) for t, x, y, z in trace.samples]
    changes = run([*quiet(0, 300, noise=0.05), *late])
    assert [change.occupied for change in changes] == [False, True, False]


@pytest.mark.parametrize("pause", [0.2, 20.0])
def test_a_restart_keeps_state_and_baselines(pause: float) -> None:
    trace = one_stay()
    first = Detector()
    run(until(trace, 500), first)
    kept = json.loads(json.dumps(first.state()))
    second = Detector(kept=kept)
    assert second.occupancy is Occupancy.OCCUPIED
    assert second.baseline == first.baseline
    assert said(run(after(trace, 500 + pause), second)) == [(False, "mirror")]


def test_a_restart_after_hours_is_silence() -> None:
    trace = one_stay()
    first = Detector()
    run(until(trace, 500), first)
    second = Detector(kept=first.state())
    changes = run([(t + 9000, x, y, z) for t, x, y, z in after(trace, 500)], second)
    assert said(changes) == [(None, "silence"), (True, "resumed"), (False, "mirror")]


@pytest.mark.parametrize(
    "kept",
    [
        {"version": 99},
        {"version": 1},
        {**Detector().state(), "empty": [1, 2]},
        {**Detector().state(), "occupancy": "full"},
        {**Detector().state(), "parked": None},
    ],
)
def test_kept_state_that_is_damaged_is_refused(kept: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"state|unpack|Occupancy|values"):
        Detector(kept=kept)


def test_a_bay_calibrated_under_a_car_comes_right_by_itself() -> None:
    plan = [(120.0 + 600 * i, 420.0 + 600 * i) for i in range(10)]
    trace = Street(SCENARIOS["typical"], 7230, plan).build()
    overhead = after(trace, plan[0][0] + 40)
    settled = plan[7][0] - 30
    right = score(
        [edge for edge in trace.edges if edge[0] > settled],
        [change for change in run(overhead) if change.t > settled],
    )
    assert right == (6, 6, 0)
    assert "visits_compared" in [change.branch for change in run(overhead)]


def trembling(begin: float, end: float, pause: float = 1e9) -> list[Sample]:
    """A car that does not come to rest; every `pause` seconds the bay looks empty for two."""
    luck = random.Random(8)
    samples = []
    for i in range(round(begin * RATE), round(end * RATE)):
        size = 0.0 if i / RATE % pause < 2 else 1.0
        x, y, z = (
            e + size * c + luck.uniform(-12, 12) for e, c in zip(EARTH, (30, -40, 15), strict=True)
        )
        samples.append((i / RATE, x, y, z))
    return samples


def test_a_car_that_does_not_come_to_rest_is_seen_all_the_same(quiet: Quiet) -> None:
    changes = run([*quiet(0, 60), *trembling(60, 90)])
    assert said(changes)[1:] == [(True, "fast")]
    assert said(run([*quiet(0, 60), *trembling(60, 90, pause=8)]))[1:] == []


def test_a_car_that_turns_round_in_the_bay_has_come_and_gone(quiet: Quiet) -> None:
    changes = run([*quiet(0, 60), *trembling(60, 90), *quiet(90, 120)])
    assert said(changes)[1:] == [(True, "fast"), (False, "passed_over")]
    assert said(run([*quiet(0, 60), *trembling(60, 66), *quiet(66, 120)]))[1:] == []


def test_one_sample_a_second_shows_strong_cars_in_noise() -> None:
    changes = run(one_stay(SCENARIOS["harsh"]).samples[::5])
    assert [change.occupied for change in changes] == [False, True, False]


def test_a_car_that_creeps_in_does_not_draw_the_baseline_along(quiet: Quiet) -> None:
    creeping = [(t, x + 0.25 * (t - 60), y, z) for t, x, y, z in quiet(60, 63, noise=0.02)]
    samples = [*quiet(0, 60, noise=0.02), *creeping, *quiet(63, 90, (20.0, -25.0, 9.0), noise=0.02)]
    detector = Detector()
    assert said(run(samples, detector))[1:] == [(True, "settled")]
    assert detector.baseline == pytest.approx(EARTH, abs=0.05)


def test_a_visit_that_contradicts_the_last_ones_is_believed(quiet: Quiet) -> None:
    """Empty and parked were mixed up; a car comes whose field is the supposed baseline."""
    bay, cars = (20.0, -20.0, 10.0), [(60.0, 10.0, -40.0), (-35.0, 20.0, 5.0), (0.0, 0.0, 0.0)]
    fields = [[*plus(EARTH, change)] for change in (bay, cars[0], bay, cars[1], bay)]
    kept = Detector().state() | {
        "occupancy": "occupied",
        "car": True,
        "empty": [*EARTH],
        "parked": [*plus(EARTH, bay)],
        "entered": [*bay],
        "left_behind": fields,
        "last": 0.0,
    }
    detector = Detector(kept=kept)
    samples = [*quiet(0.2, 30, bay), *trembling(30, 34), *quiet(34, 60, cars[2])]
    assert run(samples, detector) == []
    assert detector.occupancy is Occupancy.OCCUPIED
    assert detector.baseline == pytest.approx(plus(EARTH, bay), abs=0.5)


def test_visits_are_not_compared_across_a_gap_that_hides_one(quiet: Quiet) -> None:
    detector = Detector()
    run([*quiet(0, 30), *trembling(30, 34), *quiet(34, 60, (30.0, 0.0, 0.0))], detector)
    assert len(detector.state()["left_behind"]) == 1
    run(quiet(68, 90), detector)
    assert detector.state()["left_behind"] == []
