"""Detectors and readers of others run by their cards alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.contract import Misconfigured
from drivers.camera.commands.trying import sound
from drivers.camera.eyes import Eyes
from drivers.camera.vision import feeding, recognising
from drivers.camera.vision.runner import load
from tests.support_onnx import write_model

SQUARE = (1, 3, 320, 320)
CORNERS = [50.0, 40.0, 150.0, 50.0, 150.0, 90.0, 50.0, 80.0]  # x, y, clockwise from top left
BOX = [100.0, 65.0, 100.0, 50.0]  # their middle and size
OTHER = [100.0, 66.0, 100.0, 50.0]  # the same plate, less surely
FRAME = np.zeros((160, 320, 3), np.uint8)  # lies in the square with 80 rows above it


def detector(folder: Path, decode: str, head: list[list[float]], **options: float) -> Eyes:
    classes = ["plate"] if "two_line" not in options else ["plate", "double"]
    rows = np.array([head], np.float32)
    if decode != "yolo_v5":
        rows = rows.transpose(0, 2, 1)
    write_model(
        folder, "plate_detector", SQUARE, {"head": rows}, decode=decode,
        labels={"classes": classes}, options={"threshold": 0.4, "overlap": 0.5, **options},
    )  # fmt: skip
    return Eyes(detector=load(folder))


def on_frame(points: list[float]) -> list[Any]:
    pairs = zip(points[::2], points[1::2], strict=True)
    return [(pytest.approx(x), pytest.approx(y - 80)) for x, y in pairs]


def test_of_boxes_alone_the_corners_are_the_box(tmp_path: Path) -> None:
    head = [[*OTHER, 0.7], [*BOX, 0.9], [10.0, 10.0, 5.0, 5.0, 0.1]]
    (plate,) = detector(tmp_path, "yolo_v8", head).plates(FRAME)
    assert plate.score == pytest.approx(0.9)
    assert list(plate.corners) == on_frame([50, 40, 150, 40, 150, 90, 50, 90])


def test_a_yolo_v5_score_is_that_of_the_place_times_that_of_the_class(tmp_path: Path) -> None:
    head = [[*BOX, 0.9, 0.8], [*OTHER, 0.6, 0.5]]
    (plate,) = detector(tmp_path, "yolo_v5", head).plates(FRAME)
    assert plate.score == pytest.approx(0.72)
    assert plate.box == pytest.approx((50, -40, 150, 10))


def test_four_key_points_are_the_corners_in_whatever_order(tmp_path: Path) -> None:
    x = CORNERS
    mixed = [*x[4:6], 0.9, *x[6:8], 0.9, *x[0:2], 0.9, *x[2:4], 0.9]
    (plate,) = detector(tmp_path, "yolo_v8_pose", [[*BOX, 0.8, *mixed]]).plates(FRAME)
    assert list(plate.corners) == on_frame(CORNERS)


def test_yolo_v5_with_points_knows_plates_of_two_lines(tmp_path: Path) -> None:
    head = [[*BOX, 0.9, *CORNERS, 0.1, 0.95]]
    eyes = detector(tmp_path, "yolo_v5", head, points=4, two_line=1)
    (found,) = eyes.found(FRAME)
    assert found.two_line == 1.0
    assert list(found.corners) == on_frame(CORNERS)


def test_a_frame_of_any_size_is_laid_into_the_square(tmp_path: Path) -> None:
    eyes = detector(tmp_path, "yolo_v8", [[*BOX, 0.9]])
    (plate,) = eyes.plates(np.zeros((1080, 1920, 3), np.uint8))
    assert plate.width == pytest.approx(600)


ALPHABET = ["皖", "A", "1", "2"]


def reader(folder: Path, steps: list[int], classes: int, **options: float) -> Eyes:
    """One that always reads these classes."""
    rows = np.full((len(steps), classes), 0.02, np.float32)
    rows[np.arange(len(steps)), steps] = 0.9
    values = rows.T if options.get("transposed") else rows
    if not options.get("probabilities"):
        values = np.log(values)
    write_model(
        folder, "plate_reader", (1, 1, 24, 94), {"text": values[None]}, decode="ctc_greedy",
        labels={"alphabet": ALPHABET}, options=options,
        input={"colour": "GRAY", "resize": "stretch", "mean": 127.5, "scale": 0.0078},
    )  # fmt: skip
    return Eyes(reader=load(folder))


CROP = np.zeros((40, 130, 3), np.uint8)


def test_a_reader_with_the_blank_first(tmp_path: Path) -> None:
    read = reader(tmp_path, [1, 1, 0, 2, 0, 3, 4, 0, 4], 5).read(CROP)
    assert read is not None
    assert read.text == "皖A122"
    assert read.colour == ""
    assert read.characters[0] == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("options", [{"probabilities": 1}, {"transposed": 1, "probabilities": 1}])
def test_a_reader_with_the_blank_last(tmp_path: Path, options: dict[str, float]) -> None:
    read = reader(tmp_path, [0, 4, 1, 4, 2, 2, 3], 5, blank=-1, **options).read(CROP)
    assert read is not None
    assert read.text == "皖A12"


def test_two_lines_become_one_upper_line_first() -> None:
    crop = np.zeros((120, 240, 3), np.uint8)
    crop[:40] = 200
    long = recognising.joined(crop)
    assert long.shape[1] == 480
    assert long[10:40, :200].min() == 200
    assert long[:, 250:].max() == 0


def test_only_readers_that_want_it_get_two_lines_as_one(tmp_path: Path) -> None:
    assert recognising.splits(reader(tmp_path / "a", [1], 5).reader.card)  # type: ignore[union-attr]  # it has one
    whole = reader(tmp_path / "b", [1], 5, split=0).reader
    assert whole is not None
    assert not recognising.splits(whole.card)
    shipped = load(Path(__file__).parents[4] / "models" / "plate_reader")
    assert recognising.splits(shipped.card)


def test_colours_come_in_the_order_and_range_of_the_card(tmp_path: Path) -> None:
    blue = np.zeros((24, 94, 3), np.uint8)
    blue[..., 0] = 255
    folder = write_model(
        tmp_path, "plate_reader", (1, 3, 24, 94), {"text": np.zeros((1, 4, 5), np.float32)},
        decode="ctc_greedy", labels={"alphabet": ALPHABET},
        input={"mean": [0, 0, 255], "scale": [1.0, 1.0, 0.5]},
    )  # fmt: skip
    fed = feeding.plate(blue, load(folder).card)
    assert fed.shape == (1, 3, 24, 94)
    assert fed[0, 0].max() == 0
    assert fed[0, 2].max() == 0
    black = feeding.plate(np.zeros_like(blue), load(folder).card)
    assert black[0, 2].min() == pytest.approx(-127.5)


def test_our_own_models_are_fed_as_they_were_trained() -> None:
    from drivers.camera.vision import boxes, reading

    models = Path(__file__).parents[4] / "models"
    crop = np.random.default_rng(1).integers(0, 255, (40, 150, 3), np.uint8)
    card = load(models / "plate_reader").card
    assert np.array_equal(feeding.plate(crop, card), reading.prepare([crop], *card.size))
    ours, fit = feeding.frame(crop, load(models / "plate_detector").card, 320)
    theirs, same = boxes.letterbox(crop, 320)
    assert np.array_equal(ours, theirs)
    assert fit == same


def test_a_head_that_is_no_head_is_refused(tmp_path: Path) -> None:
    folder = write_model(
        tmp_path, "plate_detector", SQUARE, {"head": np.zeros((1, 3, 7), np.float32)},
        decode="yolo_v8_pose", labels={"classes": ["plate"]},
    )  # fmt: skip
    with pytest.raises(Misconfigured, match="it cannot be used"):
        sound(folder)


@pytest.mark.parametrize(
    ("task", "decode", "why"),
    [
        ("plate_reader", "yolo_v8", "a reader cannot decode yolo_v8"),
        ("plate_detector", "sigmoid", "a detector cannot decode sigmoid"),
        ("weather", "sigmoid", "its task is weather"),
    ],
)
def test_a_model_of_another_trade_is_refused(
    tmp_path: Path, task: str, decode: str, why: str
) -> None:
    head = {"head": np.zeros((1, 5, 9), np.float32)}
    folder = write_model(tmp_path, task, SQUARE, head, decode=decode)
    with pytest.raises(Misconfigured, match=why):
        sound(folder)


@pytest.mark.parametrize("change", [{"colour": "YUV"}, {"resize": "crop"}, {"normalise": "patch"}])
def test_a_card_that_asks_for_what_is_not_there_is_refused(
    tmp_path: Path, change: dict[str, str]
) -> None:
    head = {"head": np.zeros((1, 5, 9), np.float32)}
    folder = write_model(tmp_path, "plate_detector", SQUARE, head, decode="yolo_v8", input=change)
    with pytest.raises(Misconfigured):
        load(folder)
