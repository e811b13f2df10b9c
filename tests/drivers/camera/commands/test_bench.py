"""`fieldgate vision bench` measures, chooses, and records what it chose."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent import paths
from drivers.camera.commands.bench import Bench, chosen
from tests.drivers.camera.commands.conftest import Run

Out = pytest.CaptureFixture[str]


def figures(ms: float) -> Bench:
    return Bench("plate_reader", Path("x"), "fp32", {"ms": ms})


@pytest.mark.parametrize(("whole", "eight", "best"), [(2.0, 1.0, 1), (2.0, 1.9, 0), (1.0, 2.0, 0)])
def test_eight_bits_have_to_be_worth_it(whole: float, eight: float, best: int) -> None:
    found = [figures(whole), figures(eight)]
    assert chosen(found) is found[best]


def test_what_cannot_be_measured_is_never_chosen() -> None:
    broken = Bench("plate_reader", Path("x"), "int8", {}, "its process ended with -11")
    sound = figures(9.0)
    assert chosen([sound, broken]) is sound
    assert chosen([broken, sound]) is sound
    assert chosen([broken]) is None


def test_the_choice_is_what_the_service_then_uses(fieldgate: Run, store: Path, capsys: Out) -> None:
    assert fieldgate("vision", "bench", "--seconds", 0.1, "--json", "--dry") == 0
    capsys.readouterr()
    assert not (store / "models").exists()
    assert fieldgate("vision", "bench", "--seconds", 0.1, "--json") == 0
    told: list[dict[str, Any]] = [json.loads(t) for t in capsys.readouterr().out.splitlines()]
    assert {one["task"] for one in told} == {"plate_detector", "plate_reader", "occupancy"}
    assert all(one["ms"] >= one["ms_quickest"] > 0 and one["memory"] > 10 for one in told)
    for task in ("plate_detector", "plate_reader", "occupancy"):
        (used,) = [one for one in told if one["task"] == task and one["used"]]
        assert paths.model(task, store) == Path(used["folder"])


def test_a_model_that_is_refused_is_told(
    fieldgate: Run, blindfold: Path, store: Path, capsys: Out
) -> None:
    assert fieldgate("model", "add", blindfold, "--now") == 0
    model = paths.model("plate_detector", store) / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    capsys.readouterr()
    assert fieldgate("vision", "bench", "--seconds", 0.1) == 1
    assert "is refused" in capsys.readouterr().err
