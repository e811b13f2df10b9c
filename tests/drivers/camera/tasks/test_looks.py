"""Thresholds from what was seen: two heaps are told apart, anything else changes nothing."""

import random
from collections.abc import Mapping, Sequence

import pytest

from drivers.camera.tasks.calibration import chance_of, counted, from_looks, odds, valley
from drivers.camera.tasks.looks import MOST, OWN_LEAST, Looks, learn
from drivers.camera.tasks.steady import Steady

Drawn = Sequence[tuple[float, bool]]


def drawn(seed: int, free: float, taken: float, share: float, count: int = 1000) -> Drawn:
    """Chances, and what is true: log-odds around `free` and `taken`."""
    rng = random.Random(seed)
    truth = [rng.random() < share for _ in range(count)]
    return [(chance_of(rng.gauss(taken if t else free, 0.8)), t) for t in truth]


def right(looks: Drawn, threshold: float) -> float:
    """The mean of both kinds' accuracy."""
    kinds = ([p >= threshold for p, t in looks if t], [p < threshold for p, t in looks if not t])
    return sum(sum(kind) / len(kind) for kind in kinds) / 2


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize(("free", "taken"), [(-0.2, 4.5), (0.5, 4.5), (-4.5, 0.2), (-4.5, -0.5)])
def test_a_threshold_that_cuts_into_a_heap_is_moved(
    free: float, taken: float, share: float
) -> None:
    looks = drawn(3, free, taken, share)
    found = from_looks([p for p, _ in looks])
    assert found is not None
    assert right(looks, 0.5) < 0.8
    assert right(looks, found) > 0.97


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_threshold_between_the_heaps_is_left_alone(share: float) -> None:
    assert from_looks([p for p, _ in drawn(3, -3.0, 3.0, share)]) == 0.5
    assert from_looks([p for p, _ in drawn(3, -2.2, 3.8, share)]) == 0.5


@pytest.mark.parametrize("middle", [-5.0, -3.0, 0.0, 3.0, 9.0])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.98, 1.0])
def test_a_lot_that_is_full_or_empty_all_day_tells_nothing(middle: float, share: float) -> None:
    assert from_looks([p for p, _ in drawn(5, middle, middle + 5, share)]) is None


def test_noise_is_no_second_heap() -> None:
    rng = random.Random(11)
    assert from_looks([rng.random() for _ in range(2000)]) is None
    assert from_looks([chance_of(rng.gauss(0, 3)) for _ in range(2000)]) is None
    assert from_looks([0.0] * 500 + [1.0] * 500) == 0.5
    assert from_looks([0.01] * 50 + [0.99] * 50) is None
    assert valley([0] * 48, 0) is None


def filled(spaces: Mapping[str, Drawn], every: float = 300.0) -> Looks:
    looks = Looks(list(spaces))
    for n in range(max(map(len, spaces.values()))):
        now = {space: one[n][0] for space, one in spaces.items() if n < len(one)}
        assert looks.add(n * every, now)
    return looks


def test_a_space_that_is_seen_badly_gets_its_own_threshold() -> None:
    plain = {f"a-{n}": drawn(n, -3.0, 3.0, 0.5, 288) for n in range(8)}
    behind = drawn(99, 0.5, 4.5, 0.4, 288)
    learnt = learn(filled({**plain, "kerb": behind}))
    assert learnt is not None
    assert set(learnt.thresholds) == {"", "kerb"}
    assert learnt.thresholds[""] == 0.5
    assert right(behind, learnt.thresholds["kerb"]) > 0.97 > right(behind, 0.5) + 0.2
    assert learnt.looks == 9 * 288


def test_a_space_that_was_never_taken_keeps_the_cameras_threshold() -> None:
    """In the sun it is more like a taken one than in the shade; it is free all the same."""
    plain = {f"a-{n}": drawn(n, -3.0, 3.0, 0.5, 288) for n in range(8)}
    sunny = drawn(98, -4.0, -1.5, 0.5, 288)
    learnt = learn(filled({**plain, "sunny": sunny}))
    assert learnt is not None
    assert set(learnt.thresholds) == {""}


def test_a_few_looks_of_a_space_give_it_no_threshold() -> None:
    few = drawn(99, 0.5, 4.5, 0.5, OWN_LEAST - 1)
    plain = {f"a-{n}": drawn(n, -3.0, 3.0, 0.5, OWN_LEAST - 1) for n in range(8)}
    learnt = learn(filled({**plain, "kerb": few}))
    assert learnt is not None
    assert set(learnt.thresholds) == {""}


def test_nothing_is_learnt_from_an_empty_lot() -> None:
    assert learn(filled({f"a-{n}": drawn(n, -3.0, 0, 0.0, 288) for n in range(8)})) is None
    assert learn(Looks([])) is None


def test_one_look_in_five_minutes_counts() -> None:
    looks = Looks(["a", "b"])
    told = [looks.add(float(at), {"a": 0.9, "fire-lane": 0.9}) for at in range(0, 1200, 5)]
    assert sum(told) == 4
    assert looks.rounds == 4
    assert (sum(looks.counts["a"]), sum(looks.counts["b"])) == (4, 0)


def test_a_year_takes_no_more_room_than_a_day() -> None:
    spaces = [f"s-{n}" for n in range(100)]
    looks, rng = Looks(spaces), random.Random(1)
    for n in range(3000):
        looks.add(n * 300.0, {s: chance_of(rng.gauss(-3 if (n + k) % 9 else 3, 1))
                              for k, s in enumerate(spaces[:10])})  # fmt: skip
    assert max(max(counts) for counts in looks.counts.values()) <= MOST
    assert looks.rounds == 3000
    assert len(looks.to_text()) < 6000
    assert learn(looks) is not None


def test_what_is_long_ago_fades() -> None:
    looks = Looks(["a"])
    for n in range(2000):
        looks.add(n * 300.0, {"a": 0.05})
    for n in range(2000, 4000):
        looks.add(n * 300.0, {"a": 0.95})
    counts = looks.counts["a"]
    assert counts[counted([0.05]).index(1)] < 5 < counts[counted([0.95]).index(1)]


def test_looks_are_written_and_read_again() -> None:
    looks = filled({"a": drawn(1, -3, 3, 0.5, 300), "b": drawn(2, -3, 3, 0.5, 300)})
    again = Looks.from_text(looks.to_text(), ["a", "b"])
    assert (again.rounds, again.counts) == (300, looks.counts)


@pytest.mark.parametrize(
    "text", ["", ":", "x", "5:", "5:AAAA", "-1:AAAA", "5:é", "²:AAAA", "5:" + "A" * 99_000],
)  # fmt: skip
def test_what_is_no_looks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Looks.from_text(text, ["a"])


def test_looks_of_other_spaces_are_refused() -> None:
    text = Looks(["a"]).to_text()
    assert Looks.from_text(text, ["b"]).rounds == 0  # as many spaces: who reads it knows which
    for spaces in ([], ["a", "b"]):
        with pytest.raises(ValueError, match="other spaces"):
            Looks.from_text(text, spaces)


@pytest.mark.parametrize("threshold", [0.02, 0.3, 0.5, 0.95, 0.99])
def test_the_band_in_which_nothing_is_decided_is_as_wide_at_every_threshold(
    threshold: float,
) -> None:
    for off, state in ((-0.7, False), (-0.5, None), (0.5, None), (0.7, True)):
        steady = Steady(threshold)
        for _ in range(3):
            steady.look(chance_of(odds(threshold) + off))
        assert steady.occupied is state
