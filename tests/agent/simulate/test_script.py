"""A script changes one of the three days; what is wrong in it is told."""

from pathlib import Path

import pytest

from agent.contract import Misconfigured
from agent.simulate.script import DAYS, of_day, script_named


@pytest.mark.parametrize("name", DAYS)
def test_the_three_days_are_there(name: str) -> None:
    script = script_named(name)
    assert script.day == name
    assert script.place.low < script.place.high


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "dry.yaml"
    file.write_text(
        "day: greenhouse\n"
        'start: "05:30"\n'
        "outside: [20, 38]\n"
        'irrigation: [{at: "12:00", for: 5min, rate: 30}]\n'
        'faults: ["probe-3:silence@10:00+20min"]\n',
        encoding="utf-8",
    )
    script = script_named(str(file))
    assert (script.start, script.vents_above) == (19800.0, 26)
    assert script.place.high == 38
    (water,) = script.place.irrigation
    assert (water.begin, water.seconds, water.rate) == (43200.0, 300.0, 30.0)
    assert script.faults == ("probe-3:silence@10:00+20min",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("day: winter", "day"),
        ("start: half past six", "write a time of day like 06:30"),
        ("irrigation: [{at: '06:00'}]", "irrigation.0.for"),
        ("wind: 3", "wind"),
        ("- soil", "a script has keys and values"),
        ("day: [", "while parsing"),
    ],
)
def test_a_wrong_script_is_told(text: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=problem):
        script_named(str(file))


def test_a_day_that_is_not_there_is_told() -> None:
    with pytest.raises(Misconfigured, match="no day 'sol'") as caught:
        script_named("sol")
    assert "soil, greenhouse, parking" in caught.value.hint


def test_times_of_day() -> None:
    assert [of_day(text) for text in ("00:00", "6:05", "23:59", "24:00", "6", "30s")] == [
        0.0, 21900.0, 86340.0, None, None, None,
    ]  # fmt: skip
