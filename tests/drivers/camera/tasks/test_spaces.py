"""Spaces, zones where none may stand, counted lines, and the guard of the view."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from drivers.camera.sight import Drop, Finding, Happened, Keep, Measured, Plate, Sight, View
from drivers.camera.tasks import Watch
from drivers.camera.tasks.calibration import from_labels, from_looks
from drivers.camera.tasks.count import CountTask
from drivers.camera.tasks.guard import Guard
from drivers.camera.tasks.no_parking import NoParkingTask, inside
from drivers.camera.tasks.occupancy import OccupancyTask
from drivers.camera.tasks.watch import Wishes
from drivers.camera.zones import Line, NoParking, Zones

SIZE = (1920, 1080)
SQUARE = ((100.0, 100.0), (300.0, 100.0), (300.0, 300.0), (100.0, 300.0))
WELL = View(brightness=110, contrast=50, blur=0.24, grain=0.1, glare=0.0, shift=0.003)


def sight(at: float, chance: float, *, view: View | None = None, **more: float) -> Sight:
    return Sight(at, SIZE, changed=True, plates=[], spaces={"a-1": chance, **more}, view=view)


def looks(task: OccupancyTask | NoParkingTask, *chances: float, start: float = 0) -> list[Finding]:
    return [f for n, p in enumerate(chances) for f in task.see(sight(start + n, p))]


def states(found: Sequence[Finding]) -> list[object]:
    return [f.data["state"] for f in found if isinstance(f, Happened)]


def occupancy() -> OccupancyTask:
    return OccupancyTask("lot", ["a-1"], {})


def test_a_state_needs_two_of_three_looks() -> None:
    assert states(looks(occupancy(), 0.9)) == []
    assert states(looks(occupancy(), 0.9, 0.1, 0.9)) == ["occupied"]
    assert states(looks(occupancy(), 0.1, 0.1, 0.9, 0.1, 0.9, 0.9)) == ["free", "occupied"]


def test_what_is_in_between_changes_nothing() -> None:
    assert states(looks(occupancy(), 0.9, 0.9, *[0.5] * 20)) == ["occupied"]
    assert states(looks(occupancy(), *[0.5] * 20)) == []


def test_a_camera_has_its_own_threshold() -> None:
    task = OccupancyTask("lot", ["a-1"], {"": 0.8})
    assert states(looks(task, 0.7, 0.7, 0.7)) == []
    assert states(looks(task, 0.95, 0.95)) == ["occupied"]
    assert states(looks(task, 0.6, 0.6)) == ["free"]


def test_the_state_is_told_at_each_change_and_repeated_now_and_then() -> None:
    found = looks(occupancy(), *[0.9] * 1000)
    told = [one for one in found if isinstance(one, Measured)]
    assert [one.value for one in told] == [True] * 4
    assert told[0].point == "occupied_a-1"


def test_a_bad_view_makes_all_unknown_and_never_free() -> None:
    task = occupancy()
    looks(task, 0.9, 0.9)
    found = task.blind(10.0, "view_covered")
    assert states(found) == ["unknown"]
    assert Measured("occupied_a-1", None, "view_covered") in found
    assert states(looks(task, 0.1, start=11)) == []
    assert states(looks(task, 0.1, start=12)) == ["free"]


def no_parking(longest: str = "60s", size: tuple[int, int] = SIZE) -> NoParkingTask:
    zone = NoParking.model_validate({"id": "a-1", "polygon": SQUARE, "longest": longest})
    return NoParkingTask("road", [zone], 0.5, anonymous=False)


def stand(task: NoParkingTask, seconds: int, plate: Plate | None = None) -> list[Finding]:
    found: list[Finding] = []
    for n in range(seconds):
        seen = Sight(float(n), SIZE, changed=True, plates=[plate] if plate else [],
                     spaces={"a-1": 0.95})  # fmt: skip
        found += task.see(seen)
    return found


def plate_at(x: float, y: float) -> Plate:
    corners = ((x, y), (x + 60, y), (x + 60, y + 20), (x, y + 20))
    return Plate(corners, 0.9, "渝A12345", "blue", (0.97,) * 7, 0.8)


def test_who_stands_too_long_is_told_once_with_two_panoramas() -> None:
    found = stand(no_parking(), 200, plate_at(170, 190))
    (event,) = [one for one in found if isinstance(one, Happened)]
    assert event.kind == "no_parking.stood"
    assert (event.data["review"], event.data["evidential"]) == ("pending", True)
    assert event.data["text"] == "渝A12345"
    assert event.kept == ("a-1-1", "a-1-2")
    kept = [at for at, one in enumerate(found) if isinstance(one, Keep)]
    assert len(kept) == 2


def test_who_leaves_in_time_is_not_told() -> None:
    task = no_parking()
    found = stand(task, 40)
    found += looks(task, *[0.05] * 5, start=40)
    assert not [one for one in found if isinstance(one, Happened)]
    assert {one.name for one in found if isinstance(one, Drop)} == {"a-1-1", "a-1-2"}


def test_the_end_of_a_stay_is_told_with_its_length() -> None:
    task = no_parking()
    stand(task, 100)
    (event,) = [f for f in looks(task, *[0.05] * 5, start=100) if isinstance(f, Happened)]
    assert event.kind == "no_parking.ended"
    assert event.data["seconds"] == pytest.approx(100, abs=2)


def test_a_plate_outside_the_zone_is_not_the_vehicles() -> None:
    found = stand(no_parking(), 100, plate_at(900, 900))
    (event,) = [one for one in found if isinstance(one, Happened)]
    assert "text" not in event.data


def test_what_is_missing_from_the_evidence_is_named() -> None:
    task = no_parking()
    found = [
        f
        for n in range(100)
        for f in task.see(Sight(float(n), (640, 480), changed=True, plates=[],
                                spaces={"a-1": 0.95}))
    ]  # fmt: skip
    (event,) = [one for one in found if isinstance(one, Happened)]
    assert event.data["evidential"] is False
    assert "1280x720" in str(event.data["missing"])


def test_points_lie_inside_or_outside() -> None:
    assert inside((200, 200), SQUARE)
    assert not inside((301, 200), SQUARE)
    assert not inside((200, 99), SQUARE)


def test_vehicles_are_counted_each_way() -> None:
    line = Line.model_validate({"id": "road", "from": [0, 400], "to": [1920, 400]})
    task = CountTask([line])
    found: list[Finding] = []
    at = 0.0
    for way in (range(300, 500, 20), range(500, 300, -20), range(300, 500, 20)):
        for y in way:
            found += task.see(Sight(at, SIZE, changed=True, plates=[plate_at(600, y)]))
            at += 0.2
        for _ in range(3):
            at += 4
            found += task.see(Sight(at, SIZE, changed=True, plates=[]))
    found += task.see(Sight(at + 61, SIZE, changed=False))
    last = {one.point: one.value for one in found if isinstance(one, Measured)}
    assert sorted(map(str, last.values())) == ["1", "2"]


LOST = [
    (replace(WELL, shift=0.031), "view_moved"),
    (replace(WELL, shift=0.0125), "view_moved"),
    (replace(WELL, shift=None), "view_moved"),
    (replace(WELL, shift=None, strange=0.9), "view_moved"),
    (replace(WELL, shift=None, strange=0.9, hidden=frozenset(range(40))), "view_covered"),
    (replace(WELL, strange=0.3), "view_covered"),
    (replace(WELL, strange=0.15, hidden=frozenset(range(20))), "view_covered"),
    (replace(WELL, blur=0.36), "view_blurred"),
    (replace(WELL, brightness=60, contrast=3, shift=None), "view_covered"),
    (replace(WELL, brightness=9, contrast=4, shift=None), "view_dark"),
    (replace(WELL, brightness=20, contrast=14), "view_dark"),
    (replace(WELL, brightness=60, grain=0.3), "view_dark"),
    (replace(WELL, brightness=220, glare=0.5), "view_glare"),
]


@pytest.mark.parametrize(("view", "reason"), LOST)
def test_a_bad_view_is_told_once_and_its_return_too(view: View, reason: str) -> None:
    guard = Guard("lot")
    assert [f for n in range(5) for f in guard.look(WELL, n)] == []
    told = [f for n in range(5) for f in guard.look(view, 10 + 4.0 * n)]
    (lost,) = told
    assert isinstance(lost, Happened)
    assert (lost.kind, lost.data["reason"]) == ("view.lost", reason)
    (back,) = [f for n in range(5) for f in guard.look(WELL, 40.0 + n)]
    assert isinstance(back, Happened)
    assert back.kind == "view.back"


def zones() -> Zones:
    spaces = [{"id": "a-1", "polygon": SQUARE}]
    return Zones.model_validate({"camera": "lot", "size": SIZE, "spaces": spaces})


@pytest.mark.parametrize(("view", "reason"), LOST)
def test_no_false_free_comes_from_a_view_that_is_being_lost(view: View, reason: str) -> None:
    watch = Watch("lot", zones(), Wishes(["occupancy"]))
    for n in range(5):
        watch.see(sight(float(n), 0.95, view=WELL))
    found = [f for n in range(5, 30) for f in watch.see(sight(float(n), 0.02, view=view))]
    assert "free" not in states([f for f in found if getattr(f, "kind", "") == "space.seen"])
    assert Measured("occupied_a-1", None, reason) in found


def test_a_lorry_that_fills_the_view_for_a_moment_is_no_loss() -> None:
    watch = Watch("lot", zones(), Wishes(["occupancy", "plates"]))
    for n in range(5):
        watch.see(sight(float(n), 0.95, view=WELL))
    moved = replace(WELL, shift=None)
    plate = plate_at(600, 300)
    found = [
        f
        for n in range(5, 13)
        for f in watch.see(
            Sight(float(n), SIZE, changed=True, plates=[plate], spaces={"a-1": 0.02}, view=moved)
        )
    ]
    found += [f for n in range(13, 25) for f in watch.see(sight(float(n), 0.95, view=WELL))]
    events = [f for f in found if isinstance(f, Happened)]
    assert [event.kind for event in events] == ["plate.passed"]


def test_plates_are_read_though_the_view_is_lost() -> None:
    """A lorry that waits for long, or a camera that was turned: spaces are unknown, plates are
    not; lines say nothing of the way and no picture is taken, since masks may lie elsewhere."""
    line = {"id": "in", "from": [0, 320], "to": [SIZE[0], 320]}
    told = {**zones().model_dump(by_alias=True), "lines": [line]}
    watch = Watch("lot", Zones.model_validate(told), Wishes(["occupancy", "plates"]))
    for n in range(5):
        watch.see(sight(float(n), 0.95, view=WELL))
    moved, found = replace(WELL, shift=None), list[Finding]()
    for n in range(5, 60):
        plates = [plate_at(600, 150 + 30 * (n - 40))] if 40 <= n < 50 else []
        free = {"a-1": 0.02}
        found += watch.see(
            Sight(float(n), SIZE, changed=True, plates=plates, spaces=free, view=moved)
        )
    events = [f for f in found if isinstance(f, Happened)]
    assert [event.kind for event in events] == ["view.lost", "space.seen", "plate.passed"]
    assert (events[2].data["direction"], events[2].data["line"]) == ("", "")
    assert not events[2].kept
    assert not [one for one in found if isinstance(one, Keep)]
    assert Measured("occupied_a-1", None, "view_moved") in found
    assert Measured("occupied_a-1", False) not in found


def test_nothing_is_concluded_before_the_view_has_been_seen_well() -> None:
    watch = Watch("lot", zones(), Wishes(["occupancy"]))
    assert watch.see(sight(0.0, 0.95)) == []
    covered = replace(WELL, brightness=60, contrast=3)
    found = [f for n in range(15) for f in watch.see(sight(float(n), 0.02, view=covered))]
    assert Measured("occupied_a-1", None, "view_covered") in found


def test_without_frames_everything_is_unknown() -> None:
    watch = Watch("lot", zones(), Wishes(["occupancy"]))
    for n in range(5):
        watch.see(sight(float(n), 0.95, view=WELL))
    assert Measured("occupied_a-1", None, "no_frames") in watch.lost(9.0, "no_frames")


def draw(rng: random.Random, occupied: bool, bias: float) -> float:
    value = rng.gauss(2.5 if occupied else -2.5, 1.2) + bias
    return float(1 / (1 + 2.718281828**-value))


@pytest.mark.parametrize("bias", [-2.0, 0.0, 2.0])
def test_the_first_day_finds_a_cameras_threshold(bias: float) -> None:
    rng = random.Random(7)
    labels = [rng.random() < 0.4 for _ in range(2000)]
    chances = [draw(rng, label, bias) for label in labels]

    def accuracy(threshold: float) -> float:
        return sum((p > threshold) == t for p, t in zip(chances, labels, strict=True)) / len(labels)

    found, told = from_looks(chances), from_labels(chances, labels)
    assert found is not None
    assert told is not None
    assert accuracy(found) > 0.96
    assert accuracy(told) >= accuracy(found) - 0.01
    if bias:
        assert accuracy(found) > accuracy(0.5)


def test_a_day_without_change_calibrates_nothing() -> None:
    rng = random.Random(7)
    assert from_looks([draw(rng, False, 0.0) for _ in range(2000)]) is None
    assert from_looks([0.1, 0.9] * 20) is None
    assert from_labels([0.1, 0.2], [False, False]) is None
