"""From a space's polygon to the patch that is judged."""

import pytest

pytest.importorskip("numpy", reason="the vision extra is not installed")
pytest.importorskip("cv2", reason="the vision extra is not installed")

import numpy as np

from drivers.camera.vision import spaces
from drivers.camera.vision.arrays import Image

UPRIGHT = [(20.0, 10.0), (60.0, 10.0), (60.0, 90.0), (20.0, 90.0)]


def frame() -> Image:
    """Black, with a white block where UPRIGHT is."""
    image = np.zeros((120, 100, 3), np.uint8)
    image[10:90, 20:60] = 255
    return image


def test_a_patch_holds_the_space_and_nothing_else() -> None:
    patch = spaces.patch(frame(), UPRIGHT)
    assert patch.shape == (80, 40, 3)
    assert patch[2:-2, 2:-2].min() == 255


@pytest.mark.parametrize("start", range(4))
def test_it_does_not_matter_at_which_corner_a_polygon_begins(start: int) -> None:
    turned = UPRIGHT[start:] + UPRIGHT[:start]
    assert np.array_equal(spaces.patch(frame(), turned), spaces.patch(frame(), UPRIGHT))


def test_the_top_of_a_patch_is_the_top_of_the_frame() -> None:
    image = frame()
    image[10:50, 20:60] = 90
    patch = spaces.patch(image, UPRIGHT)
    assert patch[5:35].mean() < patch[45:75].mean()


def test_a_leaning_space_is_turned_upright_by_less_than_half_a_right_angle() -> None:
    leaning = [(30.0, 10.0), (70.0, 20.0), (50.0, 100.0), (10.0, 90.0)]
    corners = spaces.rectangle(leaning)
    across = corners[1] - corners[0]
    assert abs(np.degrees(np.arctan2(across[1], across[0]))) <= 45


def test_a_space_beyond_the_edge_of_the_frame_still_gives_a_patch() -> None:
    beyond = [(80.0, 100.0), (140.0, 100.0), (140.0, 160.0), (80.0, 160.0)]
    assert spaces.patch(frame(), beyond).shape == (60, 60, 3)


def test_polygons_follow_the_size_of_the_frame() -> None:
    assert spaces.scaled([(10, 20), (30, 40)], (100, 100), (200, 50)) == [(20, 10), (60, 20)]


def test_all_spaces_of_a_frame_are_one_standardised_batch() -> None:
    rng = np.random.default_rng(3)
    patches = [rng.integers(0, 255, size, np.uint8) for size in ((150, 150, 3), (40, 30, 3))]
    batch = spaces.prepare(patches)
    assert batch.shape == (2, 3, spaces.SIZE, spaces.SIZE)
    assert np.abs(batch.mean(axis=(1, 2, 3))).max() < 1e-4
    assert np.abs(batch.std(axis=(1, 2, 3)) - 1).max() < 0.2


def test_logits_become_chances() -> None:
    chances = spaces.chances(np.array([-1000.0, 0.0, 1000.0], np.float32))
    assert chances == pytest.approx([0.0, 0.5, 1.0], abs=1e-6)
