"""`fieldgate vision occupancy`: spaces, lots, and a camera's own threshold."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from agent.buffer.export import write_csv
from agent.clock import Clock
from agent.contract import Device
from agent.host import DeviceHost
from drivers.camera.commands.sensed import read_states, sensed, state_at
from drivers.camera.settings import CameraSettings
from drivers.camera.site import Site
from tests.drivers.camera.commands.conftest import Run

Out = pytest.CaptureFixture[str]


def lines(out: Out) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.readouterr().out.splitlines()]


def asphalt(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(110, 4, (80, 80, 3)).clip(0, 255).astype(np.uint8)


def car(rng: np.random.Generator) -> np.ndarray:
    """From above: a body, its glass, its shadow."""
    image = asphalt(rng)
    tone = [int(v) for v in rng.integers(0, 255, 3)]
    cv2.rectangle(image, (14, 6), (68, 78), (30, 30, 30), -1)
    cv2.rectangle(image, (12, 4), (64, 74), tone, -1)
    cv2.rectangle(image, (18, 18), (58, 32), (20, 20, 20), -1)
    cv2.rectangle(image, (18, 56), (58, 66), (20, 20, 20), -1)
    return image


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    """Two spaces of a lot, drawn on a picture half as large as the frames."""
    file = tmp_path / "lot-2.yaml"
    file.write_text(
        "camera: lot-2\nsize: [100, 60]\nspaces:\n"
        "- {id: a-1, polygon: [[5, 10], [45, 10], [45, 50], [5, 50]]}\n"
        "- {id: a-2, polygon: [[55, 10], [95, 10], [95, 50], [55, 50]]}\n",
        encoding="utf-8",
    )
    return file


def lot(folder: Path, count: int, stays: bool = True) -> None:
    """Frames of a lot whose first space is free and whose second is taken, or now and then."""
    rng = np.random.default_rng(8)
    folder.mkdir()
    rows = ["file,space,occupied"]
    for k in range(count):
        frame = rng.normal(110, 4, (120, 200, 3)).clip(0, 255).astype(np.uint8)
        taken = stays or bool(k % 2)
        frame[20:100, 10:90] = asphalt(rng)
        frame[20:100, 110:190] = car(rng) if taken else asphalt(rng)
        cv2.imwrite(str(folder / f"{k:03}.png"), frame)
        rows += [f"{k:03}.png,a-1,0", f"{k:03}.png,a-2,{int(taken)}"]
    (folder / "labels.csv").write_text("\n".join(rows))


def test_cut_out_spaces_have_a_chance_each(fieldgate: Run, tmp_path: Path, capsys: Out) -> None:
    rng = np.random.default_rng(2)
    files = []
    for k in range(70):
        files.append(tmp_path / f"{k}.png")
        cv2.imwrite(str(files[-1]), car(rng) if k % 2 else asphalt(rng))
    assert fieldgate("vision", "occupancy", "--json", *files) == 0
    told = lines(capsys)
    assert [one["file"] for one in told] == [str(file) for file in files]
    assert all(list(one) == ["file", "p", "occupied"] for one in told)
    assert all(one["occupied"] is (one["p"] >= 0.5) for one in told)
    free, taken = told[0::2], told[1::2]
    assert np.mean([t["p"] for t in taken]) > np.mean([f["p"] for f in free])


def test_a_broken_one_among_them_costs_nothing_else(
    fieldgate: Run, tmp_path: Path, capsys: Out
) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    cv2.imwrite(str(good), np.full((1, 1), 90, np.uint8))
    bad.write_bytes(b"\x89PNG")
    assert fieldgate("vision", "occupancy", "--json", bad, good) == 1
    captured = capsys.readouterr()
    assert [json.loads(line)["file"] for line in captured.out.splitlines()] == [str(good)]
    assert str(bad) in captured.err


def test_the_spaces_of_a_lot_are_told_by_their_ids(
    fieldgate: Run, zones: Path, tmp_path: Path, capsys: Out
) -> None:
    lot(tmp_path / "day", 1)
    assert fieldgate("vision", "occupancy", "--json", "--spaces", zones, tmp_path / "day") == 0
    (told,) = lines(capsys)
    assert list(told) == ["file", "spaces"]
    assert [list(space) for space in told["spaces"]] == [["id", "p", "occupied"]] * 2
    assert [space["id"] for space in told["spaces"]] == ["a-1", "a-2"]
    assert fieldgate("vision", "occupancy", "--spaces", zones, tmp_path / "day") == 0
    assert "a-2" in capsys.readouterr().out


def test_a_first_day_with_labels_gives_a_threshold_that_the_camera_then_uses(
    fieldgate: Run, zones: Path, tmp_path: Path, store: Path, capsys: Out
) -> None:
    day = tmp_path / "day"
    lot(day, 12, stays=False)
    words = ("vision", "occupancy", "--spaces", zones)
    assert fieldgate(*words, "--calibrate", day, "--json") == 0
    (told,) = lines(capsys)
    file = tmp_path / "lot-2.calibration.yaml"
    assert told["file"] == str(file)
    assert (told["by"], told["looks"], told["camera"]) == ("labels", 24, "lot-2")
    assert told["accuracy"][0] >= told["accuracy"][1]
    threshold = yaml.safe_load(file.read_text("utf-8"))["thresholds"][""]
    assert threshold == told["threshold"]

    assert fieldgate(*words, "--json", day) == 0  # it lies beside the zones, so it is used
    judged = [space for one in lines(capsys) for space in one["spaces"]]
    assert all(space["occupied"] is (space["p"] >= threshold) for space in judged)

    (store / "zones").mkdir(parents=True)
    for one in (zones, file):
        (store / "zones" / one.name).write_bytes(one.read_bytes())
    device = Device("lot-2", "camera", 1.0, options={"source": "/none", "tasks": ["occupancy"]})
    host = DeviceHost(device, Clock(), state_folder=store / "state")
    site = Site.of(device, host, CameraSettings.model_validate(dict(device.options)))
    assert site.by_hand.thresholds == {"": threshold}


def test_a_net_that_is_wrong_here_is_corrected_by_labels(
    fieldgate: Run, tmp_path: Path, store: Path, capsys: Out
) -> None:
    """As wrong as can be: here the labels call asphalt taken."""
    rng = np.random.default_rng(6)
    day = tmp_path / "lot-7"
    day.mkdir()
    rows = ["file,occupied"]
    for k in range(120):
        cv2.imwrite(str(day / f"{k:03}.png"), car(rng) if k % 2 else asphalt(rng))
        rows.append(f"{k:03}.png,{1 - k % 2}")
    (day / "labels.csv").write_text("\n".join(rows))
    file = tmp_path / "found.yaml"
    words = ("vision", "occupancy", "--calibrate", day, "--out", file)
    assert fieldgate(*words, "--json") == 0
    (told,) = lines(capsys)
    assert told["corrected"] is True
    assert told["threshold"] == 0.5
    assert told["accuracy"][0] > 0.95 > 0.6 > told["accuracy"][1]
    assert fieldgate(*words) == 0
    assert "corrected for this camera" in capsys.readouterr().out

    assert fieldgate("vision", "occupancy", "--json", "--calibration", file, day) == 0
    judged = [one["occupied"] for one in lines(capsys)]
    assert sum(taken is (k % 2 == 0) for k, taken in enumerate(judged)) > 114


NOON = 1_795_600_000.0
Said = tuple[float, str, object, str]  # s after noon, space, value, quality


def export(file: Path, said: list[Said]) -> Path:
    """As `fieldgate buffer export` writes it."""
    rows = []
    for n, (after, space, value, quality) in enumerate(said):
        time = datetime.fromtimestamp(NOON + after, UTC).isoformat(timespec="milliseconds")
        rows.append({"epoch": "e", "seq": n, "time": time, "estimated": False, "device": space,
                     "point": "occupied", "value": value, "unit": "1",
                     "quality": quality})  # fmt: skip
    rows.append({**rows[-1], "device": "meter-1", "point": "power", "value": 7.5})
    with file.open("w", encoding="utf-8") as out:
        write_csv(iter(rows), out, "telemetry")
    return file


def test_detectors_in_the_spaces_say_which_are_taken(
    fieldgate: Run, zones: Path, tmp_path: Path, capsys: Out
) -> None:
    """One picture each ten minutes; the second space changes a few minutes before each."""
    day = tmp_path / "day"
    lot(day, 12, stays=False)
    (day / "labels.csv").unlink()
    said: list[Said] = []
    for k in range(12):
        os.utime(day / f"{k:03}.png", (NOON + 600 * k, NOON + 600 * k))
        said += [(600 * k - 200, "a-1", False, "good"), (600 * k - 200, "a-2", k % 2 == 1, "good")]
    sensors = export(tmp_path / "sensors.csv", said)
    words = ("vision", "occupancy", "--spaces", zones, "--calibrate", day, "--sensors")
    assert fieldgate(*words, sensors, "--json") == 0
    (told,) = lines(capsys)
    assert (told["by"], told["looks"]) == ("labels", 24)
    known = sensed(sensors, sorted(day.glob("*.png")), ["a-1", "a-2"])
    assert known == {(f"{k:03}.png", s): s == "a-2" and k % 2 == 1
                     for k in range(12) for s in ("a-1", "a-2")}  # fmt: skip

    assert fieldgate(*words[:2], *words[4:], sensors) == 78
    assert "--spaces FILE" in capsys.readouterr().err
    assert fieldgate(*words, zones) == 78
    assert "no export of readings" in capsys.readouterr().err
    assert fieldgate(*words, export(tmp_path / "other.csv", [(0, "b-1", True, "good")])) == 78
    assert "says nothing of these spaces" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ([(-100.0, True)], True),
        ([(-1300.0, True)], None),  # too old
        ([(-100.0, True), (-70.0, False)], False),
        ([(-100.0, True), (-50.0, False)], None),  # just changed
        ([(-100.0, True), (50.0, False)], None),  # about to change
        ([(-100.0, True), (70.0, False)], True),
        ([(-100.0, True), (-50.0, None), (-10.0, True)], None),
        ([(-100.0, None)], None),
        ([(30.0, True)], None),
        ([], None),
    ],
)
def test_a_detector_is_believed_where_nothing_changes(
    said: list[tuple[float, bool | None]], taken: bool | None
) -> None:
    assert state_at([(NOON + after, state) for after, state in said], NOON) is taken


def test_what_a_detector_doubts_is_no_label(tmp_path: Path) -> None:
    told: list[Said] = [(-90.0, "a", True, "uncertain:kept"), (-80.0, "b", "", "bad:fault"),
                        (-70.0, "c", True, "good")]  # fmt: skip
    states = read_states(export(tmp_path / "s.csv", told), ["a", "b", "c"])
    found = {space: state_at(states[space], NOON) for space in states}
    assert found == {"a": None, "b": None, "c": True}


def test_a_first_day_without_labels_is_parted_into_two(
    fieldgate: Run, tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(5)
    day = tmp_path / "lot-9"
    day.mkdir()
    for k in range(220):
        cv2.imwrite(str(day / f"{k}.png"), car(rng) if k % 3 else asphalt(rng))
    monkeypatch.chdir(tmp_path)
    code = fieldgate("vision", "occupancy", "--calibrate", day)
    told = capsys.readouterr().out
    assert code == 0
    assert "lot-9: taken from" in told
    assert "from 220 looks" in told
    assert "labels.csv is surer" in told
    written = yaml.safe_load((tmp_path / "lot-9.calibration.yaml").read_text("utf-8"))
    assert 0 < written["thresholds"][""] < 1


def test_too_few_looks_teach_nothing(fieldgate: Run, tmp_path: Path, capsys: Out) -> None:
    day = tmp_path / "day"
    lot(day, 3)
    (day / "labels.csv").unlink()
    assert fieldgate("vision", "occupancy", "--calibrate", day, "--camera", "lot-3") == 78
    assert "3 looks do not tell free from taken" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.calibration.yaml"))


def test_labels_that_say_nothing_are_told_by_their_line(
    fieldgate: Run, tmp_path: Path, capsys: Out
) -> None:
    day = tmp_path / "day"
    lot(day, 2)
    (day / "labels.csv").write_text("file,occupied\n000.png,1\n001.png,perhaps\n")
    assert fieldgate("vision", "occupancy", "--calibrate", day) == 78
    assert "line 3" in capsys.readouterr().err


def test_zones_that_are_none_are_told(fieldgate: Run, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "zones.yaml"
    file.write_text("camera: x\nsize: [100, 60]\nspaces: [{id: a, polygon: [[0, 0], [1, 1]]}]\n")
    assert fieldgate("vision", "occupancy", "--spaces", file, tmp_path / "any.png") == 78
    assert f"{file}:3: spaces[0].polygon: has too few entries" in capsys.readouterr().err
