"""What was touched is first among lively sensors; detectors are told apart, spaces bound."""

from pathlib import Path
from random import Random

import pytest

from agent.cli.columns import width
from agent.cli.identifying import LEARNED, Change, Ranking, Series, Subject
from agent.cli.identifying_naming import asked, name
from agent.cli.identifying_page import Names, data, page, sentence
from agent.cli.identifying_sources import space_line
from agent.cli.identifying_yaml import bind_space, space_text
from agent.config.load import load
from agent.contract import Misconfigured, Value
from agent.i18n import use


def line(device: str, point: str, value: Value | None, t: float) -> dict[str, object]:
    return {"device": device, "point": point, "value": value, "unit": "1", "t": t}


def test_the_touched_one_is_first_among_fifty_of_which_some_are_lively() -> None:
    random = Random(7)
    for touched in range(0, 50, 7):
        ranking = Ranking()
        for second in range(40):
            for number in range(50):
                value = 20 + number / 10 + random.gauss(0, 0.02 * (1 + number % 9))
                if number == touched and second >= 37:
                    value += 3
                ranking.see(line(f"d{number}", "air_temperature", round(value, 2), second + 1.0))
        assert ranking.ranked(40.0)[0].subject.device == f"d{touched}"


def test_nothing_is_said_before_it_is_known_what_is_usual() -> None:
    series = Series()
    for value in (1.0, 5.0, 1.0, 9.0)[:LEARNED]:
        assert series.see(value)[1] == 0.0


@pytest.mark.parametrize(
    ("past", "value", "noticed"),
    [
        ([20.1, 20.0, 20.1, 20.2, 20.1], 20.3, False),
        ([20.1, 20.0, 20.1, 20.2, 20.1], 21.5, True),
        ([21.4] * 9, 21.41, False),
        ([21.4] * 9, 22.4, True),
        ([100.0, 101.0, 102.0, 103.0, 104.0, 105.0], 106.0, False),  # a counter goes on
        ([100.0, 101.0, 102.0, 103.0, 104.0, 105.0], 125.0, True),
        (["vacant"] * 8, "occupied", True),
        ([True, False] * 6, True, False),
        ([0.0] * 8, 0.0, False),
        ([0.0] * 8, 0.5, True),
        ([20.0] * 8, None, True),  # unplugged
        ([None] * 8, 20.0, True),  # plugged in
    ],
)
def test_a_change_is_measured_by_what_was_usual(
    past: list[Value | None], value: Value | None, *, noticed: bool
) -> None:
    ranking = Ranking()
    for at, one in enumerate([*past, value], 1):
        ranking.see(line("d", "p", one, float(at)))
    assert bool(ranking.ranked(float(len(past) + 1))) is noticed


def test_a_change_counts_less_as_it_gets_older_and_a_reading_counts_once() -> None:
    ranking = Ranking()
    for at in range(1, 10):
        ranking.see(line("d", "p", 1.0, float(at)))
    ranking.see(line("d", "p", 50.0, 10.0))
    ranking.see(line("d", "p", 50.0, 10.0))
    first = ranking.ranked(10.0)[0]
    assert first.weight(20.0) < first.weight(11.0)
    assert ranking.ranked(1000.0) == []


def test_beginning_anew_forgets_changes_and_not_what_is_usual() -> None:
    ranking = Ranking()
    for at in range(1, 10):
        ranking.see(line("d", "p", 1.0, float(at)))
    ranking.see(line("d", "p", 50.0, 10.0))
    ranking.begin_anew()
    assert ranking.ranked(10.0) == []
    ranking.see(line("d", "p", 50.0, 11.0))
    assert len(ranking.ranked(11.0)) == 1


def test_detectors_behind_one_receiver_are_told_apart() -> None:
    ranking = Ranking()
    for at in range(1, 10):
        for detector in ("1", "2"):
            moved = at >= 8 and detector == "2"
            ranking.see(line("lot", f"occupied_{detector}", moved, float(at)))
            ranking.see(line("lot", f"rssi_{detector}", -90 if moved else -60, float(at)))
            ranking.see(line("lot", "air_temperature", 20.0 if at < 9 else 30.0, float(at)))
    assert {one.subject for one in ranking.ranked(9.0)} == {Subject("lot", "2"), Subject("lot")}


def test_a_space_that_changes_stands_for_its_detector() -> None:
    ranking = Ranking()
    space = {"space": "e-1", "device": "lot", "detector": "2", "state": "vacant"}
    for at in range(1, 10):
        state = "occupied" if at == 9 else "vacant"
        reading, subject = space_line({**space, "state": state})
        ranking.see({**reading, "t": float(at)}, subject)
    (only,) = ranking.ranked(9.0)
    assert (only.subject, only.point, only.now) == (Subject("lot", "2"), "space e-1", "occupied")


CHANGES = [
    Change(Subject("soil-1"), "soil_moisture", 21.4, 48.0, "%", 500.0, 100.0),
    Change(Subject("lot", "7"), "occupied_7", "vacant", "occupied", "1", 30.0, 98.0),
]
NAMES = Names({"soil-1": "番茄 · 3号棚"}, {Subject("lot", "7"): "east-07"})


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("limit", [40, 80, 120])
def test_the_page_fits_the_terminal(language: str, limit: int) -> None:
    use(language)
    try:
        lines = page(CHANGES, NAMES, (12, 40), 101.0, limit)
    finally:
        use("en")
    assert all(width(one) <= limit for one in lines)
    assert any(one.startswith("1  soil-1") for one in lines)


def test_the_page_and_the_data_say_the_same() -> None:
    text = "\n".join(page(CHANGES, NAMES, (12, 40), 101.0, 120))
    assert "番茄" in text
    assert "lot / 7" in text
    first, second = data(CHANGES, NAMES, 101.0)
    assert (first["rank"], first["device"], first["now"], first["age"]) == (1, "soil-1", 48.0, 1.0)
    assert (second["detector"], second["space"]) == ("7", "east-07")
    assert "21.4 % -> 48 %" in sentence(CHANGES[0], NAMES)


HEAD = "gateway: {id: gw}\n"
LOT = (
    "devices:\n"
    "  - id: lot\n    driver: simulated\n"
    "    points: {occupied_1: {shape: sine}, occupied_2: {shape: sine}}\n"
)


def write(folder: Path, parking: str) -> Path:
    main = folder / "gateway.yaml"
    main.write_text(f"{HEAD}{LOT}{parking}# the end\n")
    return main


@pytest.mark.parametrize(
    "parking",
    [
        "",
        "parking:\n  spaces:\n    # east\n    e-1: {device: lot, detector: 1}  # gate\n",
        "parking:\n    spaces:\n        e-1:\n            device: lot\n            detector: 1\n",
        "parking:\n  spaces:\n    e-2: {device: lot, detector: 1, name: 东2}\n",
        "parking:\n  spaces:\n    e-2:\n      detector: 1  # w\n      device: lot\n      name: E\n",
    ],
)
def test_a_detector_is_bound_to_a_space(tmp_path: Path, parking: str) -> None:
    main = write(tmp_path, parking)
    before = main.read_text().splitlines()
    bind_space(main, "e-2", Subject("lot", "2"))
    space = load(main).settings.parking.spaces["e-2"]
    assert (space.device, space.detector) == ("lot", "2")
    changed = [one for one in before if one not in main.read_text().splitlines()]
    assert len(changed) <= 1
    assert main.with_name("gateway.yaml.bak").read_text().splitlines() == before


@pytest.mark.parametrize(
    "parking", ["parking: {spaces: {e-1: {device: lot, detector: 1}}}\n", "parking: {}\n"]
)
def test_what_is_written_in_another_way_is_left_to_people(tmp_path: Path, parking: str) -> None:
    main = write(tmp_path, parking)
    with pytest.raises(Misconfigured, match="only a person"):
        bind_space(main, "e-2", Subject("lot", "2"))


def test_what_is_named_is_told_to_paste_or_written(tmp_path: Path) -> None:
    main = write(tmp_path, "")
    device, detector = CHANGES[0], Change(Subject("lot", "2"), "occupied_2", 0, 1, "1", 9.0, 1.0)
    assert name(device, "棚 3", None)[1] == 'place: "棚 3"'
    assert "\n".join(name(detector, "e-2", None)[1:]) + "\n" == space_text(
        "e-2", Subject("lot", "2")
    )
    assert "which space" in asked(detector)
    assert "where" in asked(device)
    name(detector, "e-2", main)
    assert load(main).settings.parking.spaces["e-2"].detector == "2"
    lot = Change(Subject("lot"), "visitors", 0, 1, "1", 9.0, 1.0)
    name(lot, "gate", main)
    assert load(main).devices[0].place == "gate"
