"""What is measured of a view, on drawn pictures: the same place in other light, and others."""

import cv2
import numpy as np
import pytest

from drivers.camera import likeness
from drivers.camera.sight import TILES
from drivers.camera.view import FIRST, Gray, Known, blur, grain
from tests.support_faults import turned

SIZE = (480, 270)  # of a quarter frame


def place(seed: int, cars: int = 0) -> Gray:
    """A yard drawn by `seed`: patches, lines, walls; and cars that come and go."""
    random = np.random.default_rng(seed)
    image = np.full((SIZE[1], SIZE[0]), 120, np.uint8)
    for k in range(100):
        x, y, across, down = map(int, random.integers((0, 0, -70, -70), (*SIZE, 70, 70)))
        gray = int(random.integers(30, 230))
        if k < 40:
            cv2.rectangle(image, (x, y), (x + across, y + down), gray, -1)
        else:
            cv2.line(image, (x, y), (x + across, y + down), gray, 2)
    parked = np.random.default_rng(1000 + cars)
    for _ in range(cars):
        x, y, roof = map(int, parked.integers((0, 0, 10), (SIZE[0] - 40, SIZE[1] - 20, 250)))
        cv2.rectangle(image, (x, y), (x + 36, y + 18), roof, -1)
        cv2.rectangle(image, (x + 8, y + 3), (x + 26, y + 15), 255 - roof, -1)
    return noisy(image, 2, cars)


def noisy(image: Gray, sigma: float, seed: int) -> Gray:
    grains = np.random.default_rng(seed).normal(0, sigma, image.shape)
    noise: Gray = np.clip(image + grains, 0, 255).astype(np.uint8)
    return noise


def knowing(seed: int) -> Known:
    known = Known()
    for _ in range(FIRST):
        known.look(place(seed))
        known.learn()
    return known


def darker(image: Gray) -> Gray:
    """Evening: less light, more of it from the right."""
    light = np.linspace(0.35, 0.75, image.shape[1])
    dark: Gray = (image * light + 10).astype(np.uint8)
    return dark


@pytest.mark.parametrize("restarted", [False, True])
def test_a_place_is_known_in_other_light_and_full_of_cars(restarted: bool) -> None:
    known = knowing(1)
    known = Known.from_text(known.to_text()) if restarted else known
    for image in (place(1), place(1, cars=25), darker(place(1)), darker(place(1, cars=25))):
        seen = known.look(image)
        assert seen.shift is not None
        assert seen.shift <= 0.004
        assert len(seen.hidden) <= 2
        assert seen.strange < 0.25


@pytest.mark.parametrize(("share", "degrees"), [(0.03, 0), (0.1, 0), (0.0125, 0), (0, 2), (0, 8)])
def test_a_camera_that_was_moved_is_seen_to_be(share: float, degrees: float) -> None:
    for image in (place(1), darker(place(1, cars=25))):
        shift = knowing(1).look(turned(image, share, degrees)).shift
        assert shift is None or shift > 0.009
        if share == 0.03:
            assert shift == pytest.approx(0.03, abs=0.004)


def test_another_place_is_no_place_that_is_known() -> None:
    known = knowing(1)
    shifts = [known.look(place(seed)).shift for seed in range(2, 22)]
    assert all(shift is None or shift > 0.009 for shift in shifts)
    assert shifts.count(None) > 15


def test_what_hides_a_part_is_seen_tile_by_tile() -> None:
    covered = place(1)
    covered[:, : SIZE[0] // 4] = 120
    seen = knowing(1).look(covered)
    columns = {tile % TILES[0] for tile in seen.hidden}
    assert columns == set(range(TILES[0] // 4))
    assert len(seen.hidden) > 0.6 * TILES[0] * TILES[1] / 4


def test_what_hides_a_part_is_not_learnt() -> None:
    covered, known = place(1), knowing(1)
    covered[:, : SIZE[0] // 4] = 120
    for _ in range(50):
        known.look(covered)
        known.learn()
    assert len(known.look(covered).hidden) > 0.6 * TILES[0] * TILES[1] / 4


def test_the_night_is_learnt_from_the_evening() -> None:
    """Quite another light is known once the day has gone over into it."""
    day, night = place(1), place(2)
    known = knowing(1)
    remembered = 0
    for share in np.linspace(0, 1, 80):
        dusk = day * (1 - share) + night * share
        known.look(dusk.astype(np.uint8))
        remembered += known.learn()
    for _ in range(40):
        known.look(night)
        remembered += known.learn()
    assert remembered == 1
    again = Known.from_text(known.to_text())
    assert again.look(day).shift == 0.0
    assert again.look(night).shift == 0.0
    assert knowing(1).look(night).shift is None


def test_who_passes_while_the_view_is_learnt_is_not_in_it() -> None:
    known = Known()
    for n in range(FIRST):
        image = place(1)
        cv2.rectangle(image, (40 * n, 100), (40 * n + 60, 160), 255, -1)
        known.look(image)
        known.learn()
    assert known.look(place(1)).shift == 0.0


def test_too_little_to_be_known_by_is_never_moved() -> None:
    known = Known()
    blank = np.full((270, 480), 90, np.uint8)
    for n in range(30):
        assert known.look(blank + np.uint8(n % 2)).shift == 0.0
        assert not known.learn()
    assert known.to_text() == ""


@pytest.mark.parametrize("text", ["", "x", "AAAA", ",", "eJwDAAAAAAE=", "€"])
def test_what_is_no_memory_is_none(text: str) -> None:
    known = Known.from_text(text)
    assert known.look(place(1)).shift == 0.0
    assert known.to_text() == ""


def test_a_memory_keeps_directions_alone() -> None:
    directions = likeness.field(place(1))
    text = likeness.pack(directions)
    kept = likeness.unpack(text)
    assert kept is not None
    assert len(text) < 40_000
    strong = np.abs(directions) >= likeness.CLEAR
    assert ((kept != 0) == strong).all()
    turn = np.angle(kept[strong] * np.conj(directions[strong]))
    assert np.abs(turn).max() <= np.pi / likeness.STEPS + 1e-4


def test_blur_is_blur_whatever_is_seen() -> None:
    for seed in range(5):
        sharp = [blur(place(seed, cars)) for cars in (0, 40)]
        soft = [blur(np.asarray(cv2.GaussianBlur(place(seed, cars), (0, 0), 3), np.uint8))
                for cars in (0, 40)]  # fmt: skip
        assert min(soft) > max(sharp) + 0.1


def test_grain_is_what_changes_from_look_to_look() -> None:
    still = place(1)
    assert grain(still, None) == 0.0
    assert grain(still, still) == 0.0
    told = grain(noisy(still, 20, 1), noisy(still, 20, 2))
    assert told == pytest.approx(20 / still.std(), rel=0.2)
    assert grain(place(1, cars=30), still) < 3.5 / still.std()
