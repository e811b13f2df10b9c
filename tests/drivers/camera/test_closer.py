"""A second look at a plate gives corners in the frame's own pixels, wherever the plate is."""

import numpy as np
import pytest

from drivers.camera.vision import closer
from drivers.camera.vision.boxes import GREY, MEAN, SCALE, Found


def found(x: float, y: float, width: float, score: float = 0.6) -> Found:
    high = width / 3
    corners = (x, y), (x + width, y), (x + width, y + high), (x, y + high)
    return Found(corners, score, 0.0)


def pixels(batch: np.ndarray) -> np.ndarray:
    return np.asarray(batch[0].transpose(1, 2, 0) / SCALE + MEAN)


@pytest.mark.parametrize("width", [24, 87, 300])
@pytest.mark.parametrize(("x", "y"), [(300, 200), (-10, 5), (620, 470)])
def test_a_point_of_the_frame_is_where_the_fit_says(x: int, y: int, width: int) -> None:
    frame = np.full((480, 640, 3), 20, np.uint8)
    spot = int(np.clip(x + width // 2, 6, 633)), int(np.clip(y + width // 6, 6, 473))
    size = max(2, width // 8)
    frame[spot[1] - size : spot[1] + size, spot[0] - size : spot[0] + size] = 250
    batch, fit = closer.cut(frame, found(x, y, width))
    assert batch.shape == (1, 3, closer.SIDE, closer.SIDE)
    ys, xs = np.nonzero(pixels(batch)[..., 0] > 150)
    seen = (xs.mean() + 0.5 - fit.left) / fit.scale, (ys.mean() + 0.5 - fit.top) / fit.scale
    near = np.flatnonzero(frame[..., 0].max(0) > 150), np.flatnonzero(frame[..., 0].max(1) > 150)
    true = near[0].mean() + 0.5, near[1].mean() + 0.5
    assert seen == pytest.approx(true, abs=max(1.0, width / 40))


def test_the_plate_is_as_wide_as_the_second_look_wants_it() -> None:
    _, fit = closer.cut(np.zeros((1080, 1920, 3), np.uint8), found(900, 500, 40))
    assert 40 * fit.scale == pytest.approx(closer.WIDE, rel=0.03)


def test_beyond_the_frame_it_is_grey() -> None:
    batch, _ = closer.cut(np.zeros((100, 100, 3), np.uint8), found(-20, -5, 60))
    assert pixels(batch)[0, 0] == pytest.approx([GREY] * 3)


def test_what_is_seen_again_has_its_new_corners_and_both_scores() -> None:
    again = closer.settled(
        found(100, 100, 90, 0.4), [found(400, 9, 90, 0.9), found(104, 101, 88, 0.8)]
    )
    assert list(again.corners[0]) == [104, 101]
    assert again.score == pytest.approx(0.6)


def test_what_is_not_seen_again_is_half_as_sure() -> None:
    first = found(100, 100, 90, 0.6)
    again = closer.settled(first, [found(400, 9, 90, 0.9)])
    assert again.corners == first.corners
    assert again.score == pytest.approx(0.3)


def test_one_plate_is_told_once() -> None:
    twice = [found(100, 100, 90, 0.5), found(103, 101, 90, 0.8), found(400, 100, 90, 0.6)]
    assert [one.score for one in closer.apart(twice, 0.4)] == [0.8, 0.6]


def test_of_what_is_faint_a_few_are_looked_at_again_where_that_shows_them_larger() -> None:
    sure = [found(0, 0, 400, score) for score in (0.9, 0.3)]
    faint = [found(0, 0, 80, 0.15 - n / 100) for n in range(9)]
    assert closer.worth([*sure, *faint], 0.2, 1.0) == [*sure, *faint[:4]]
    assert closer.worth([*sure, *faint], 0.2, 1.2) == sure
    many = [found(0, 0, 80, 0.8)] * 30
    assert closer.worth([*many, *faint], 0.2, 1.0) == many[: closer.MOST]
