"""From a frame to the detector's input, and from its cells to plates with corners."""

import pytest

pytest.importorskip("numpy", reason="the vision extra is not installed")
pytest.importorskip("cv2", reason="the vision extra is not installed")

import numpy as np

from drivers.camera.vision import boxes
from drivers.camera.vision.arrays import Floats
from drivers.camera.vision.rectify import rectify

SIZE = 320
CORNERS = ((100.0, 120.0), (164.0, 124.0), (164.0, 146.0), (100.0, 142.0))


def cells(*plates: tuple[tuple[tuple[float, float], ...], float, int]) -> Floats:
    """(corners in the input, logit, which cell) for each plate; all else is no plate."""
    middles, strides = boxes.centres(SIZE)
    raw = np.full((len(middles), 10), -12.0, np.float32)
    for corners, logit, cell in plates:
        raw[cell, 0], raw[cell, 1] = logit, -9
        raw[cell, 2:] = ((np.array(corners) - middles[cell]) / strides[cell]).ravel()
    return raw


def test_a_frame_is_laid_into_the_middle_of_the_input() -> None:
    frame = np.full((100, 400, 3), 255, np.uint8)
    image, fit = boxes.letterbox(frame, SIZE)
    assert image.shape == (1, 3, SIZE, SIZE)
    assert (fit.scale, fit.left, fit.top) == (0.8, 0, 120)
    bright = image[0, 0, :, 10] > image[0, 0, 0, 10]
    assert np.flatnonzero(bright)[[0, -1]].tolist() == [120, 199]


def test_cells_are_counted_stride_by_stride_and_row_by_row() -> None:
    middles, strides = boxes.centres(64)
    assert len(middles) == 64 + 16 + 4
    assert middles[:2].tolist() == [[4, 4], [12, 4]]
    assert strides[[0, 64, 80], 0].tolist() == [8, 16, 32]


def test_corners_come_back_in_pixels_of_the_frame() -> None:
    fit = boxes.Fit(scale=0.5, left=0, top=40)
    (found,) = boxes.decode(cells((CORNERS, 5.0, 700)), SIZE, fit, 0.5, 0.4)
    wanted = [(x / 0.5, (y - 40) / 0.5) for x, y in CORNERS]
    assert np.array(found.corners) == pytest.approx(np.array(wanted), abs=1e-3)
    assert found.box == pytest.approx((200, 160, 328, 212), abs=1e-3)
    assert found.score > 0.99
    assert found.two_line < 0.01


def test_of_two_finds_of_one_plate_the_surer_one_stays() -> None:
    moved = tuple((x + 16, y + 3) for x, y in CORNERS)
    raw = cells((CORNERS, 2.0, 700), (moved, 4.0, 701))
    (found,) = boxes.decode(raw, SIZE, boxes.Fit(1.0, 0, 0), 0.5, 0.4)
    assert found.corners[0] == pytest.approx(moved[0], abs=1e-3)
    assert found.score == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)


def test_cells_that_agree_on_a_plate_give_its_corners_together() -> None:
    moved = tuple((x + 2, y + 1) for x, y in CORNERS)
    raw = cells((CORNERS, 4.0, 700), (moved, 4.001, 701))
    (found,) = boxes.decode(raw, SIZE, boxes.Fit(1.0, 0, 0), 0.5, 0.4)
    between = np.array(CORNERS) + np.array([1, 0.5])
    assert np.array(found.corners) == pytest.approx(between, abs=1e-2)


def test_two_plates_side_by_side_are_both_found() -> None:
    beside = tuple((x + 90, y) for x, y in CORNERS)
    raw = cells((CORNERS, 2.0, 700), (beside, 4.0, 711))
    found = boxes.decode(raw, SIZE, boxes.Fit(1.0, 0, 0), 0.5, 0.4)
    assert [round(each.corners[0][0]) for each in found] == [190, 100]


def test_below_the_threshold_there_is_nothing() -> None:
    raw = cells((CORNERS, -1.0, 700))
    assert boxes.decode(raw, SIZE, boxes.Fit(1.0, 0, 0), 0.5, 0.4) == []


def test_a_tilted_plate_becomes_an_upright_crop() -> None:
    frame = np.zeros((300, 400, 3), np.uint8)
    corners = ((100.0, 100.0), (220.0, 140.0), (210.0, 180.0), (90.0, 140.0))
    import cv2

    cv2.fillPoly(frame, [np.array(corners, np.int32)], (255, 255, 255))
    crop = rectify(frame, corners, margin=0.0)
    assert crop is not None
    assert crop.shape[:2] == (41, 126)
    assert crop[3:-3, 3:-3].min() > 200


def test_a_margin_shows_what_is_around_the_plate() -> None:
    frame = np.zeros((200, 200, 3), np.uint8)
    frame[50:90, 40:160] = 255
    corners = ((40.0, 50.0), (160.0, 50.0), (160.0, 90.0), (40.0, 90.0))
    crop = rectify(frame, corners, margin=0.1)
    assert crop is not None
    assert crop[0].max() == 0
    assert crop[crop.shape[0] // 2, crop.shape[1] // 2].min() == 255


def test_a_speck_is_no_plate() -> None:
    frame = np.zeros((50, 50, 3), np.uint8)
    assert rectify(frame, ((5.0, 5.0), (15.0, 5.0), (15.0, 8.0), (5.0, 8.0))) is None
