"""What a camera takes for its view while it has seen little of it."""

from pathlib import Path

import numpy as np

from drivers.camera.child.frames import Frame
from drivers.camera.child.work import ANEW, Camera
from drivers.camera.vision.arrays import Image
from tests.support_calibrating import Ear, child_in, scene

YARD = scene()
OTHER: Image = np.ascontiguousarray(YARD[::-1, ::-1])


def show(camera: Camera, image: Image, start: float, seconds: float) -> None:
    for n in range(int(seconds)):
        camera.take(Frame(image.copy(), start + n))


def views(ear: Ear) -> list[str]:
    kinds = [body["kind"] for kind, body in ear.told if kind == "happened"]
    return [kind for kind in kinds if kind.startswith("view.")]


def test_what_fills_the_first_looks_is_forgotten_once_something_else_has_stayed(
    tmp_path: Path,
) -> None:
    camera, ear = child_in(tmp_path)
    show(camera, OTHER, 0, 8)
    show(camera, YARD, 8, ANEW - 20)
    assert views(ear) == ["view.lost"]
    show(camera, YARD, 8 + ANEW - 20, 80)
    assert views(ear) == ["view.lost", "view.back"]
    assert camera.known.settled


def test_a_view_that_is_known_is_never_forgotten(tmp_path: Path) -> None:
    camera, ear = child_in(tmp_path)
    show(camera, YARD, 0, 60)
    assert camera.known.settled
    show(camera, OTHER, 60, 3 * ANEW)
    assert views(ear) == ["view.lost"]
    show(camera, YARD, 60 + 3 * ANEW, 5)
    assert views(ear) == ["view.lost", "view.back"]
