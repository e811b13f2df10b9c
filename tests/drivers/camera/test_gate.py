"""Looks come at a steady pace, and only when something moves."""

import math

import numpy as np
import pytest

from drivers.camera.child.gate import Gate, Pace


def turns(rate: float, camera: float, seconds: float, taking: float = 0.01) -> int:
    """Of a loop that takes the next frame of a camera each time, and `taking` s for it."""
    pace, now, count = Pace(rate), 0.0, 0
    while now < seconds:
        now = math.floor(now * camera + 1) / camera + taking
        now += pace.rest(now)
        count += 1
    return count


@pytest.mark.parametrize("camera", [15.0, 25.0, 30.0, 12.5])
def test_there_are_as_many_turns_as_were_asked_for_whatever_the_camera_s_rate(
    camera: float,
) -> None:
    assert abs(turns(4.0, camera, 100) - 400) <= 2


def test_a_camera_that_is_slower_is_followed() -> None:
    assert abs(turns(4.0, 2.0, 100) - 200) <= 2


def test_turns_that_take_too_long_are_not_made_up_for() -> None:
    pace = Pace(4.0)
    assert pace.rest(10.0) == pytest.approx(0.25)
    assert pace.rest(15.0) == 0.0
    assert pace.rest(15.01) == pytest.approx(0.24)


def picture(car: int = 0) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """270 by 480 gray pixels with a camera's noise; a car that is so many pixels wide."""
    noise = np.random.default_rng(car).integers(96, 105, (270, 480), np.uint8)
    noise[100 : 100 + car // 2, 200 : 200 + car] = 180
    return noise


def test_what_moves_opens_the_gate_and_noise_does_not() -> None:
    gate = Gate()
    assert gate.changed(picture())
    assert not any(gate.changed(picture(n)) for n in (0, 2, 4))
    assert gate.changed(picture(40))


def test_what_stays_is_soon_part_of_the_scene() -> None:
    gate = Gate()
    gate.changed(picture())
    seen = [gate.changed(picture(40)) for _ in range(100)]
    assert seen[0]
    assert not seen[-1]
