"""One event a passage: tracked, voted over, with direction; what is doubtful is counted."""

from collections.abc import Iterable, Sequence

import pytest

from drivers.camera.sight import Drop, Finding, Happened, Keep, Measured, Plate, Point, Sight
from drivers.camera.tasks.plates import PlateOptions, PlateTask
from drivers.camera.tasks.tracker import Tracker, crossing
from drivers.camera.tasks.vote import vote
from drivers.camera.zones import Line

SIZE = (1280, 720)
IN = Line.model_validate({"id": "gate", "from": [0, 400], "to": [1280, 400]})


def plate(
    text: str = "渝A12345", at: Point = (600, 300), width: float = 120, sure: float = 0.9
) -> Plate:
    x, y, high = *at, width / 3
    corners = ((x, y), (x + width, y), (x + width, y + high), (x, y + high))
    certain = sure ** len(text) if text else 0.0
    return Plate(corners, 0.9, text, "blue", (sure,) * len(text), certain)


def sight(at: float, *plates: Plate) -> Sight:
    return Sight(at, SIZE, changed=True, plates=plates)


def drive(task: PlateTask, looks: Iterable[Sequence[Plate]], step: float = 0.2) -> list[Finding]:
    """And then long enough nobody."""
    found: list[Finding] = []
    at = 100.0
    for plates in looks:
        found += task.see(sight(at, *plates))
        at += step
    for _ in range(3):
        found += task.see(sight(at))
        at += 4.0
    return found


def events(found: Iterable[Finding]) -> list[Happened]:
    return [one for one in found if isinstance(one, Happened)]


def down(count: int, text: str = "渝A12345", start: float = 250) -> list[list[Plate]]:
    """Driving towards the camera."""
    return [[plate(text, (600, start + 30 * n), 100 + 5 * n, 0.97)] for n in range(count)]


@pytest.fixture
def task() -> PlateTask:
    return PlateTask("gate-1", [IN], PlateOptions())


def test_a_passage_is_one_event_with_its_pictures(task: PlateTask) -> None:
    found = drive(task, down(10))
    (event,) = events(found)
    assert (event.kind, event.subject) == ("plate.passed", "gate-1")
    assert event.data["text"] == "渝A12345"
    assert event.data["kind"] == "std7"
    assert (event.data["reads"], event.data["agreeing"]) == (10, 10)
    assert event.kept == ("plate-1", "vehicle-1")
    kept = {one.name for one in found if isinstance(one, Keep)}
    assert kept == set(event.kept)
    assert Measured("plates_passed", 1) in found


def test_the_line_tells_the_direction(task: PlateTask) -> None:
    (into,) = events(drive(task, down(10)))
    out = PlateTask("gate-1", [IN], PlateOptions())
    (outof,) = events(drive(out, reversed(down(10))))
    assert {into.data["direction"], outof.data["direction"]} == {"in", "out"}
    assert into.data["line"] == "gate"


def test_without_a_line_it_is_told_whether_it_came_nearer() -> None:
    task = PlateTask("gate-1", [], PlateOptions())
    (event,) = events(drive(task, down(10)))
    assert event.data["direction"] == "approaching"


def test_a_wrong_read_in_between_is_outvoted(task: PlateTask) -> None:
    looks = down(5)
    looks[2] = [plate("渝A12845", (600, 310), 110, 0.5)]
    (event,) = events(drive(task, looks))
    assert event.data["text"] == "渝A12345"
    assert event.data["agreeing"] == 4


def test_a_single_read_is_no_passage_but_is_counted(task: PlateTask) -> None:
    found = drive(task, down(1))
    assert events(found) == []
    assert Measured("plates_disagreeing", 1) in found
    assert {one.name for one in found if isinstance(one, Drop)} == {"plate-1", "vehicle-1"}


def test_plates_that_cannot_be_read_or_are_unsure_are_counted(task: PlateTask) -> None:
    found = drive(task, [[plate("")], [plate("")]])
    found += drive(task, [[plate(sure=0.5)], [plate(sure=0.5)]])
    assert events(found) == []
    assert Measured("plates_unread", 1) in found
    assert Measured("plates_unsure", 1) in found


def test_two_vehicles_side_by_side_are_two(task: PlateTask) -> None:
    left, right = down(6), [[plate("渝B99999", (200, 250 + 30 * n), 100)] for n in range(6)]
    both = [[*a, *b] for a, b in zip(left, right, strict=True)]
    assert {e.data["text"] for e in events(drive(task, both))} == {"渝A12345", "渝B99999"}


def test_one_that_is_hidden_for_a_moment_stays_the_same(task: PlateTask) -> None:
    looks = [*down(4), [], [], *down(4, start=430)]
    assert len(events(drive(task, looks))) == 1


def test_one_that_stands_for_long_is_still_one(task: PlateTask) -> None:
    found: list[Finding] = []
    for n in range(600):
        found += task.see(sight(100 + n, plate(sure=0.97)))
    assert events(found) == []
    found += [one for n in range(3) for one in task.see(sight(800 + 4 * n))]
    assert len(events(found)) == 1


def test_looks_without_a_detection_do_not_end_a_passage(task: PlateTask) -> None:
    task.see(sight(100.0, plate(sure=0.97)))
    for n in range(20):
        assert task.see(Sight(101.0 + n, SIZE, changed=False)) == ()
    task.see(sight(121.0, plate(sure=0.97)))
    (event,) = events([*task.see(sight(122.0)), *task.see(sight(130.0))])
    assert event.data["agreeing"] == 2


def test_in_a_place_without_plates_none_leaves_the_task() -> None:
    task = PlateTask("gate-1", [IN], PlateOptions(anonymous=True))
    found = drive(task, down(10))
    (event,) = events(found)
    assert event.kind == "vehicle.passed"
    assert not event.kept
    assert not event.shots
    assert not any(isinstance(one, Keep) for one in found)
    assert "12345" not in repr(found)


def test_a_lost_view_ends_what_is_under_way(task: PlateTask) -> None:
    for n in range(4):
        task.see(sight(100 + n, plate(sure=0.97)))
    (event,) = events(task.blind(104.0, "view_covered"))
    assert event.data["text"] == "渝A12345"


def test_how_wide_plates_are_is_told_now_and_then(task: PlateTask) -> None:
    found = [one for n in range(50) for one in task.see(sight(100 + n / 2, plate(width=133)))]
    assert [one.value for one in found if isinstance(one, Measured)] == [133.0] * 3


def test_votes_weigh_each_character_by_its_confidence() -> None:
    sure = Plate(plate().corners, 0.9, "渝A1", "blue", (0.9, 0.9, 0.9), 0.7)
    unsure = Plate(plate().corners, 0.9, "渝A7", "blue", (0.9, 0.9, 0.4), 0.3)
    verdict = vote([sure, unsure, unsure])
    assert (verdict.text, verdict.reads, verdict.agreeing) == ("渝A1", 3, 1)
    assert verdict.confidence == pytest.approx(0.7 * 0.9 / 1.7, abs=1e-3)
    assert vote([]).text == ""


def test_a_tracker_keeps_no_track_for_ever() -> None:
    tracker = Tracker(3.0)
    for n in range(1000):
        tracker.look(float(10 * n), [plate(at=(n % 7 * 150, 300))])
    assert len(tracker.tracks) <= 2


@pytest.mark.parametrize(
    ("path", "net"),
    [
        ([(5, -5), (5, 5)], 1),
        ([(5, 5), (5, -5)], -1),
        ([(5, -5), (5, 5), (5, -5)], 0),
        ([(15, -5), (15, 5)], 0),
        ([(5, -5)], 0),
    ],
)
def test_lines_are_crossed_within_their_ends(path: list[Point], net: int) -> None:
    assert crossing(path, (0, 0), (10, 0)) == net
