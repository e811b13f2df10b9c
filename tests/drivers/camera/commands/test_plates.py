"""`fieldgate vision plates` takes any picture, tells what it cannot read, and goes on."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from drivers.camera.commands.pictures import read
from drivers.camera.eyes import Eyes
from tests.drivers.camera.commands.conftest import MODELS, SEEN, Run
from tests.support_onnx import write_model

Out = pytest.CaptureFixture[str]


def lines(out: Out) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.readouterr().out.splitlines()]


def upright(folder: Path, image: np.ndarray, orientation: int) -> Path:
    """A JPEG with that EXIF orientation."""
    jpeg = bytes(cv2.imencode(".jpg", image)[1])
    tag = b"\x12\x01\x03\x00\x01\x00\x00\x00" + orientation.to_bytes(4, "little")
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + tag + bytes(4)
    file = folder / f"exif-{orientation}.jpg"
    size = (len(exif) + 2).to_bytes(2, "big")
    file.write_bytes(jpeg[:2] + b"\xff\xe1" + size + exif + jpeg[2:])
    return file


def test_a_cut_out_plate_is_read(fieldgate: Run, shown: tuple[Path, str], capsys: Out) -> None:
    file, text = shown
    assert fieldgate("vision", "plates", "--crop", "--json", file) == 0
    height, width = read(file).shape[:2]
    (told,) = lines(capsys)
    assert list(told) == ["file", "plates"]
    assert told["file"] == str(file)
    (plate,) = told["plates"]
    assert list(plate) == ["text", "color", "confidence", "box", "corners"]
    assert plate["text"] == text
    assert plate["color"] == "blue"
    assert 0 < plate["confidence"] <= 1
    assert plate["box"] == [0, 0, width, height]
    assert plate["corners"] == [[0, 0], [width, 0], [width, height], [0, height]]


def test_a_plate_in_a_frame_is_found_and_read(
    fieldgate: Run, blindfold: Path, gate: np.ndarray, shown: tuple[Path, str], tmp_path: Path,
    capsys: Out,
) -> None:  # fmt: skip
    file = tmp_path / "gate.png"
    cv2.imwrite(str(file), gate)
    assert fieldgate("model", "add", blindfold, "--now") == 0
    capsys.readouterr()
    assert fieldgate("vision", "plates", "--json", file) == 0
    (told,) = lines(capsys)
    (plate,) = told["plates"]
    assert plate["text"] == shown[1]
    assert plate["box"] == pytest.approx(SEEN, abs=0.1)
    assert len(plate["corners"]) == 4
    assert fieldgate("vision", "plates", file) == 0
    assert shown[1] in capsys.readouterr().out


def test_what_the_detector_doubts_is_a_plate_when_it_reads_as_one(
    gate: np.ndarray, shown: tuple[Path, str], tmp_path: Path
) -> None:
    left, top, right, bottom = SEEN
    row = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, 0.3, 1.0]
    folder = write_model(
        tmp_path / "doubter", "plate_detector", (1, 3, 640, 640),
        {"head": np.array([[row, [0.0] * 6]], np.float32)}, decode="yolo_v5",
        labels={"classes": ["plate"]}, options={"threshold": 0.5, "doubt": 0.2},
    )  # fmt: skip
    eyes = Eyes.open({"detector": folder, "reader": MODELS / "plate_reader"})
    (plate,) = eyes.plates(gate)
    assert plate.text == shown[1]
    assert plate.score > 0.5
    assert eyes.found(gate) == []
    assert eyes.plates(np.full_like(gate, 90)) == []


def test_gray_deep_and_transparent_pictures_read_alike(
    fieldgate: Run, shown: tuple[Path, str], tmp_path: Path, capsys: Out
) -> None:
    image = read(shown[0])
    alpha = np.dstack([image, np.full(image.shape[:2], 90, np.uint8)])
    cv2.imwrite(str(tmp_path / "alpha.png"), alpha)
    cv2.imwrite(str(tmp_path / "deep.png"), image.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "web.webp"), image)
    cv2.imwrite(str(tmp_path / "gray.png"), cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    assert fieldgate("vision", "plates", "--crop", "--json", tmp_path) == 0
    texts = {Path(t["file"]).stem: t["plates"][0]["text"] for t in lines(capsys)}
    assert texts["alpha"] == texts["deep"] == shown[1]
    assert set(texts) == {"alpha", "deep", "web", "gray"}


def test_a_picture_is_turned_as_its_tag_says(
    fieldgate: Run, shown: tuple[Path, str], tmp_path: Path, capsys: Out
) -> None:
    lying = cv2.rotate(read(shown[0]), cv2.ROTATE_90_COUNTERCLOCKWISE)
    file = upright(tmp_path, np.asarray(lying, np.uint8), 6)
    assert fieldgate("vision", "plates", "--crop", "--json", file) == 0
    (told,) = lines(capsys)
    assert told["plates"][0]["text"] == shown[1]
    assert told["plates"][0]["box"][2] == lying.shape[0]


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2500, 3), (2500, 1, 3), (3000, 4000, 3)])
@pytest.mark.parametrize("crop", [["--crop"], []])
def test_pictures_of_odd_sizes_are_no_trouble(
    fieldgate: Run, tmp_path: Path, capsys: Out, shape: tuple[int, ...], crop: list[str]
) -> None:
    file = tmp_path / "odd.png"
    cv2.imwrite(str(file), np.full(shape, 100, np.uint8))
    assert fieldgate("vision", "plates", "--json", *crop, file) == 0
    (told,) = lines(capsys)
    assert len(told["plates"]) == len(crop)


def test_what_is_no_picture_is_told_and_the_others_go_on(
    fieldgate: Run, shown: tuple[Path, str], tmp_path: Path, capsys: Out
) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "cut.png").write_bytes(shown[0].read_bytes()[:60])
    words = [tmp_path / name for name in ("text.jpg", "empty.jpg", "cut.png", "absent.jpg")]
    assert fieldgate("vision", "plates", "--crop", "--json", *words, shown[0]) == 1
    captured = capsys.readouterr()
    (told,) = captured.out.splitlines()
    assert json.loads(told)["file"] == str(shown[0])
    mine = [line for line in captured.err.splitlines() if line.startswith(str(tmp_path))]
    assert len(mine) == 4
    assert "No such file" in mine[3]


def test_a_file_is_told_as_it_was_named(
    fieldgate: Run, shown: tuple[Path, str], tmp_path: Path, capsys: Out,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "京.png").write_bytes(shown[0].read_bytes())
    monkeypatch.chdir(tmp_path)
    names = ["./a b//京.png", "a b/../a b/京.png"]
    assert fieldgate("vision", "plates", "--crop", "--json", *names) == 0
    assert [one["file"] for one in lines(capsys)] == names


def test_a_folder_without_pictures_is_a_mistake(
    fieldgate: Run, tmp_path: Path, capsys: Out
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert fieldgate("vision", "plates", empty) == 78
    assert "there are no pictures in" in capsys.readouterr().err


def test_help_has_an_example_in_both_languages(
    fieldgate: Run, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fieldgate("vision", "plates", "--help") == 0
    assert "fieldgate vision plates --json gate.jpg" in capsys.readouterr().out
    assert fieldgate("vision", "plates") == 64
