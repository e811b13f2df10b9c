"""A camera at /dev/video0."""

from collections.abc import Callable

import pytest
from rigging.rig import Rig

CAPTURE = """\
import time
import cv2
camera = cv2.VideoCapture("/dev/video0", cv2.CAP_V4L2)
began, frames, shape = time.monotonic(), 0, None
while time.monotonic() - began < 10:
    taken, frame = camera.read()
    frames, shape = frames + taken, frame.shape if taken else shape
print(frames, shape)
"""


@pytest.mark.needs("camera")
@pytest.mark.timeout(600)
def test_pictures_arrive_by_the_library_that_vision_uses(
    rig: Rig, record_property: Callable[[str, object], None]
) -> None:
    assert rig.shell is not None
    rig.shell.run("sh", "-c", "modprobe vivid 2>/dev/null || true; udevadm settle")
    done = rig.shell.run("/opt/fieldgate/current/bin/python3", "-c", CAPTURE)
    frames, _, shape = done.stdout.strip().partition(" ")
    record_property("frames in 10 s", f"{frames} of {shape}")
    assert int(frames) >= 10
