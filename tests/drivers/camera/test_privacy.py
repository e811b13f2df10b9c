"""What masks and blur leave of a frame."""

import cv2
import numpy as np
import pytest

from drivers.camera.child import shots
from drivers.camera.child.shots import Album
from drivers.camera.privacy import FILL, Masks
from drivers.camera.sight import Box, Shot
from drivers.camera.vision.arrays import Image

CORNERS = ((0.15, 0.2), (0.47, 0.21), (0.42, 0.56), (0.145, 0.54))  # shares of the frame
SIZES = [(1281, 723), (2560, 1440)]
BOXES: list[Box | None] = [None, (0.1, 0.13, 0.3, 0.47), (0.2, 0.3, 0.99, 0.99)]  # shares


def masked(size: tuple[int, int]) -> tuple[Image, Image, Masks]:
    """A frame of noise, what of it lies inside the mask, and the mask, burnt in."""
    width, height = size
    frame = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    corners = np.array(CORNERS) * size
    masks = Masks([[(x, y) for x, y in corners]], size)
    masks.burn(frame)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [np.round(corners).astype(np.int32)], 255)
    return frame, inside, masks


def test_no_pixel_inside_a_mask_differs_from_the_fill() -> None:
    frame, inside, _ = masked((1920, 1080))
    assert (frame[inside > 0] == FILL).all()
    assert (frame[inside == 0] != FILL).any(axis=1).mean() > 0.9


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [shots.QUALITIES[0], shots.QUALITIES[-1], 10])
@pytest.mark.parametrize("place", BOXES)
def test_nor_in_any_picture_whatever_its_quality_and_wherever_it_is_cut(
    size: tuple[int, int], quality: int, place: Box | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, inside, masks = masked(size)
    monkeypatch.setattr(shots, "QUALITIES", (quality,))
    box = None if place is None else tuple(v * size[k % 2] for k, v in enumerate(place))
    packed = Album(masks).cut(Shot("scene", box), frame)  # type: ignore[arg-type]  # four numbers
    assert packed is not None
    shown = cv2.imdecode(np.frombuffer(packed.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    left, top, right, bottom = map(int, box or (0, 0, *size))
    cut = inside[top : bottom + 1, left : right + 1]
    hidden = cv2.resize(cut, (packed.width, packed.height), interpolation=cv2.INTER_AREA) > 0
    assert hidden.any()
    assert (shown[hidden] == FILL).all()
    assert (shown == FILL).all(axis=2).mean() < hidden.mean() + 0.08


def test_a_picture_is_cut_from_a_copy() -> None:
    """The frame is looked at on; only the picture's squares are filled."""
    frame, _, masks = masked((1920, 1080))
    before = frame.copy()
    assert Album(masks).cut(Shot("scene", None), frame) is not None
    assert (frame == before).all()
