"""A camera at /dev/video0: by OpenCV alone, and by the camera driver in the running service."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rigging.rig import Rig
from rigging.shell import Shell
from rigging.site import waited

from drivers.camera.jpeg import size_of

NAME = "/dev/v4l/by-path/platform-vivid.0-video-index0"  # as udev names it
SIZE = (1280, 720)
CAMERA = {
    "id": "cam-1",
    "driver": "camera",
    "source": NAME,
    "size": list(SIZE),
    "tasks": ["occupancy"],
    "rate": 2.0,
    "memory": 400,
}
ZONES = {
    "camera": "cam-1",
    "size": list(SIZE),
    "spaces": [{"id": "a-01", "polygon": [[100, 100], [300, 100], [300, 300], [100, 300]]}],
}
FORMAT = "v4l2-ctl -d /dev/video0 --get-fmt-video | sed -n '/Width/p;/Pixel/p'"
PLUG = "echo vivid.0 >/sys/bus/platform/drivers/vivid/{}"
KINDS = ("camera.lost", "camera.back", "device.lost")
CHILD = "pgrep -f 'drivers[.]camera[.]child' || true"

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


@pytest.fixture
def plugged(rig: Rig) -> Iterator[Shell]:
    """The service with a camera, that sees."""
    assert rig.shell is not None
    shell = rig.shell
    shell.run("sh", "-c", "modprobe vivid 2>/dev/null || true; udevadm settle")
    shell.run("mkdir", "-p", "/var/lib/fieldgate/zones")
    shell.put("/var/lib/fieldgate/zones/cam-1.yaml", json.dumps(ZONES))
    rig.configure([CAMERA])
    yield shell
    shell.run("sh", "-c", PLUG.format("bind"), check=False)
    rig.configure()


def picture(rig: Rig) -> bytes:
    """What it sees now; empty when it sees nothing."""
    answer: dict[str, Any] = rig.gateway.ask({"do": "snapshot", "device": "cam-1"}) or {}
    return base64.b64decode(str(answer.get("jpeg", "")))


@pytest.mark.needs("camera_unplug", "systemd")
@pytest.mark.timeout(1800)
def test_a_camera_that_is_pulled_is_seen_again(
    rig: Rig, plugged: Shell, record_property: Callable[[str, object], None]
) -> None:
    """By a process that may open the new node, and that is no crash."""
    assert waited(lambda: picture(rig), 300, pause=2), rig.gateway.ask({"do": "status"})
    assert size_of(picture(rig)) == SIZE
    record_property("format", " ".join(plugged.run("sh", "-c", FORMAT).stdout.split()))
    confined = [s.value for _, s in rig.cloud.samples("cam-1", 0.0) if s.point == "confined"]
    assert confined
    assert all(confined)
    before = plugged.run("sh", "-c", CHILD).stdout
    lost, back, ended = (len(rig.cloud.events(k)) for k in KINDS)
    plugged.run("sh", "-c", PLUG.format("unbind"))
    assert waited(lambda: len(rig.cloud.events("camera.lost")) == lost + 1, 120)
    assert rig.cloud.events("camera.lost")[-1].data["reason"] == "no_device"
    assert plugged.run("sh", "-c", CHILD).stdout == before
    plugged.run("sh", "-c", PLUG.format("bind"))
    bound = time.monotonic()
    assert waited(lambda: len(rig.cloud.events("camera.back")) == back + 1, 180)
    record_property("seen again after s", round(time.monotonic() - bound, 1))
    assert plugged.run("sh", "-c", CHILD).stdout not in {"", before}
    assert waited(lambda: picture(rig), 60, pause=2)
    assert size_of(picture(rig)) == SIZE
    assert len(rig.cloud.events("device.lost")) == ended
