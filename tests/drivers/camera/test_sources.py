"""Frames from real servers that are killed, stopped and replaced: soon again, and never old ones.

Every frame carries the time at which its server made it.
"""

import signal
from collections.abc import Iterator

import numpy as np
import pytest

from drivers.camera.child.frames import Packed, Shown
from drivers.camera.child.fresh import Freshness
from drivers.camera.child.lost import Lost
from drivers.camera.child.sources import Source, open_source
from drivers.camera.privacy import FILL, Masks
from tests.support_rtsp import CameraServer, made_at, now

SOON = 5.0  # s after a server's return, in which there are frames again
OLDEST = 1.5  # s that a frame may be old on a busy machine; what lay in a buffer is older

KINDS = {"rtsp": "rtsp", "mjpeg": "mjpeg", "still": "snapshot"}


@pytest.fixture(params=KINDS)
def camera(request: pytest.FixtureRequest) -> Iterator[tuple[CameraServer, Source]]:
    server = CameraServer(request.param)
    source = open_source(KINDS[request.param], server.where)
    yield server, source
    source.close()
    server.kill()


def fresh(source: Source, seconds: float) -> list[Shown]:
    """The frames of so many seconds, each of them looked at."""
    found, end = [], now() + seconds
    while now() < end:
        try:
            frame = source.newest(0.5)
        except Lost:
            continue
        if frame is not None:
            frame.masked(Masks([], frame.size))
            made = made_at(frame.image)
            assert made is not None
            assert frame.at - made < OLDEST
            assert now() - frame.at < OLDEST
            found.append(frame)
    return found


def until_lost(source: Source) -> None:
    end = now() + 20
    while now() < end:
        try:
            source.newest(0.5)
        except Lost:
            return
    pytest.fail("it never said that there is no camera")


def until_back(source: Source, returned: float) -> None:
    while not (found := fresh(source, 0.3)):
        assert now() - returned < 20
    assert found[0].at - returned < SOON


def test_frames_are_new_and_different(camera: tuple[CameraServer, Source]) -> None:
    _, source = camera
    until_back(source, now())
    frames = fresh(source, 1.0)
    assert len({made_at(frame.image) for frame in frames}) == len(frames) > 2


def test_a_killed_camera_is_back_soon_after_its_return(
    camera: tuple[CameraServer, Source],
) -> None:
    server, source = camera
    until_back(source, now())
    server.kill()
    until_lost(source)
    server.start()
    until_back(source, now())
    assert fresh(source, 1.0)


def test_a_camera_that_stood_still_shows_nothing_old(camera: tuple[CameraServer, Source]) -> None:
    server, source = camera
    until_back(source, now())
    server.signal(signal.SIGSTOP)
    until_lost(source)
    server.signal(signal.SIGCONT)
    until_back(source, now())
    assert fresh(source, 1.0)


def test_a_camera_that_pauses_for_a_moment_shows_nothing_old(
    camera: tuple[CameraServer, Source],
) -> None:
    server, source = camera
    until_back(source, now())
    server.signal(signal.SIGSTOP)
    fresh(source, 1.0)
    server.signal(signal.SIGCONT)
    until_back(source, now())


def taken(frames: list[tuple[float, float, float]]) -> list[bool]:
    fresh = Freshness()
    return [fresh.take(*frame) for frame in frames]


def test_what_was_buffered_before_the_start_is_passed_over() -> None:
    """2 s of frames wait, each takes 30 ms to be decoded."""
    waiting = [(n * 0.03, n * 0.03 + 0.03, n * 0.1) for n in range(20)]
    live = [(n * 0.1 - 1.5, n * 0.1 - 1.4, n * 0.1) for n in range(21, 25)]
    assert taken([*waiting, *live]) == [*[False] * 20, *[True] * 4]


def test_a_stream_that_stays_behind_is_given_up() -> None:
    fresh = Freshness()
    for n in range(10):
        fresh.take(n * 0.1, n * 0.1 + 0.1, n * 0.1)
    late = [(n * 0.1 + 2, n * 0.1 + 2.1, n * 0.1) for n in range(10, 60)]
    with pytest.raises(Lost, match="late"):
        assert not any(fresh.take(*frame) for frame in late)


def test_a_stream_without_a_clock_gives_what_had_to_be_waited_for() -> None:
    frames = [(0.0, 0.0, 0.0), (0.0, 0.001, 0.0), (0.001, 0.07, 0.0)]
    assert taken(frames) == [False, False, True]


def test_the_barcode_of_noise_is_none() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
    assert made_at(noise) is None


def packed(size: tuple[int, int] = (640, 480)) -> Packed:
    import cv2

    noise = np.random.default_rng(3).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return Packed(bytes(cv2.imencode(".jpg", noise)[1]), 1.0, size)


def test_a_packed_frame_is_never_unpacked_without_its_masks() -> None:
    frame = packed()
    with pytest.raises(RuntimeError):
        _ = frame.image
    polygon = [(100.0, 100.0), (300.0, 100.0), (300.0, 250.0), (100.0, 250.0)]
    gray = frame.masked(Masks([polygon], frame.size))
    assert gray.shape == (120, 160)
    assert (gray[25:63, 25:76] == FILL[0]).all()
    assert (frame.image[100:251, 100:301] == FILL).all()
    assert frame.image[:99].std() > 30
    assert gray[:24].std() > 5
