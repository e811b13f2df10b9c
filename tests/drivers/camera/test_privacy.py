"""What masks and blur leave of a frame."""

import cv2
import numpy as np

from drivers.camera.child.shots import Album
from drivers.camera.privacy import FILL, Masks
from drivers.camera.sight import Shot
from drivers.camera.vision.arrays import Image

CORNERS = ((300, 200), (900, 220), (800, 600), (280, 580))
EDGE = 20  # px: as far as JPEG's blocks of halved colour let something run across an edge


def masked() -> tuple[Image, Image]:
    """A frame of noise, and what of it lies inside the mask."""
    frame = np.random.default_rng(1).integers(0, 256, (1080, 1920, 3), np.uint8)
    Masks([CORNERS], (1920, 1080)).burn(frame)
    inside = np.zeros((1080, 1920), np.uint8)
    cv2.fillPoly(inside, [np.array(CORNERS, np.int32)], 1)
    return frame, inside


def test_no_pixel_inside_a_mask_differs_from_the_fill() -> None:
    frame, inside = masked()
    assert (frame[inside > 0] == FILL).all()
    assert (frame[inside == 0] != FILL).any(axis=1).mean() > 0.9


def test_nor_in_a_packed_picture_but_for_what_jpeg_runs_across_the_edge() -> None:
    frame, inside = masked()
    packed = Album().cut(Shot("scene", None), frame)
    assert packed is not None
    shown = cv2.imdecode(np.frombuffer(packed.jpeg, np.uint8), cv2.IMREAD_COLOR)
    deep = cv2.erode(inside, np.ones((2 * EDGE + 1, 2 * EDGE + 1), np.uint8)) > 0
    assert shown is not None
    assert deep.any()
    assert np.abs(shown[deep].astype(int) - FILL).max() <= 1
