"""`fieldgate vision run` says what a camera's tasks would have said of a film."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.drivers.camera.commands.conftest import Run

Out = pytest.CaptureFixture[str]


def lines(out: Out) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.readouterr().out.splitlines()]


@pytest.fixture
def film(gate: np.ndarray, tmp_path: Path) -> Path:
    """24 s: a vehicle stands at the gate all the time."""
    file = tmp_path / "gate.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 5, (640, 640))
    for _ in range(120):
        writer.write(gate)
    writer.release()
    return file


def test_a_passage_is_told_with_its_plate_and_no_picture_is_written(
    fieldgate: Run, film: Path, blindfold: Path, shown: tuple[Path, str], tmp_path: Path,
    capsys: Out,
) -> None:  # fmt: skip
    assert fieldgate("model", "add", blindfold, "--now") == 0
    capsys.readouterr()
    before = {file for file in tmp_path.rglob("*") if file.is_file()}
    assert fieldgate("vision", "run", film, "--tasks", "plates", "--json") == 0
    (passed,) = [one for one in lines(capsys) if one.get("kind") == "plate.passed"]
    assert passed["data"]["text"] == shown[1]
    assert 15 < passed["t"] < 25
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == before

    assert fieldgate("vision", "run", film, "--pictures", tmp_path / "pictures") == 0
    assert f"text={shown[1]}" in capsys.readouterr().out
    roles = {file.stem.rsplit("-", 1)[1] for file in (tmp_path / "pictures").iterdir()}
    assert roles == {"plate", "vehicle"}


def test_spaces_of_a_folder_of_pictures_become_known(
    fieldgate: Run, gate: np.ndarray, tmp_path: Path, capsys: Out
) -> None:
    folder, zones = tmp_path / "lot", tmp_path / "lot.yaml"
    folder.mkdir()
    for k in range(40):
        cv2.imwrite(str(folder / f"{k:02}.png"), gate)
    zones.write_text(
        "camera: lot\nsize: [640, 640]\n"
        "spaces: [{id: a-1, polygon: [[400, 400], [600, 400], [600, 600], [400, 600]]}]\n"
    )
    words = ("vision", "run", folder, "--zones", zones, "--tasks", "occupancy", "--rate", 1)
    assert fieldgate(*words, "--json") == 0
    told = lines(capsys)
    assert [one["subject"] for one in told if one.get("kind") == "space.seen"] == ["a-1"]
    (state,) = [one for one in told if one.get("point") == "occupied_a-1"]
    assert state["value"] in {True, False}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--tasks", "count"], "needs `lines:`"),
        (["--tasks", "fly"], "no task is called 'fly'"),
        (["--camera", "gate-9", "--config", "/nowhere.yaml"], "/nowhere.yaml"),
    ],
)
def test_what_cannot_be_run_is_told(
    fieldgate: Run, film: Path, words: list[str], told: str, capsys: Out
) -> None:
    assert fieldgate("vision", "run", film, *words) == 78
    assert told in capsys.readouterr().err


def test_what_is_no_film_is_told(fieldgate: Run, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "film.mp4"
    assert fieldgate("vision", "run", file) == 78
    file.write_text("no film")
    assert fieldgate("vision", "run", file) == 78
    assert "film.mp4" in capsys.readouterr().err


def test_a_configured_camera_lends_its_settings_and_its_zones(
    fieldgate: Run, film: Path, store: Path, tmp_path: Path, capsys: Out
) -> None:
    (store / "zones").mkdir(parents=True)
    line = "lines: [{id: barrier, from: [0, 300], to: [640, 300]}]"
    (store / "zones" / "gate-1.yaml").write_text(f"camera: gate-1\nsize: [640, 640]\n{line}\n")
    config = tmp_path / "gateway.yaml"
    config.write_text(
        f"gateway: {{id: g}}\nstore: {{path: {store}}}\n"
        "devices: [{id: gate-1, driver: camera, source: /none, tasks: [count]}]\n"
    )
    words = ("vision", "run", film, "--camera", "gate-1", "--config", config)
    assert fieldgate(*words, "--json") == 0
    assert {one.get("point") for one in lines(capsys)} >= {"barrier_in", "barrier_out"}
