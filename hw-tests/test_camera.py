"""A camera at /dev/video0: by OpenCV alone, and by the camera driver in the running service."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from rigging.rig import Rig
from rigging.shell import Shell
from rigging.site import waited

from drivers.camera.jpeg import size_of


@dataclass(frozen=True, slots=True)
class Camera:
    """`plug`, `pull`: commands on the gateway; `elsewhere`: what takes its number meanwhile."""

    source: str
    size: tuple[int, int]
    plug: str
    pull: str
    before: str = "true"
    elsewhere: str = "true"


VIVID = "modprobe vivid; cd /sys/bus/platform/drivers/vivid; [ -e vivid.0 ] || echo vivid.0 >bind"
USB = "/dev/v4l/by-id/usb-Rig_Gate_camera_RIG0003-video-index0"
PLUG = (
    "modprobe vhci-hcd; systemctl reset-failed rig-webcam 2>/dev/null; systemd-run -q --unit "
    "rig-webcam /opt/fieldgate/current/bin/python3 /opt/rig/webcam.py {}"
)
PULL = "systemctl stop rig-webcam"
NO_VIVID = "modprobe -r vivid || true"
CAMERAS = {
    "vivid": Camera(
        "/dev/v4l/by-path/platform-vivid.0-video-index0",
        (1280, 720),
        VIVID,
        "echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind",
    ),
    "USB, MJPEG": Camera(USB, (1920, 1080), PLUG.format("mjpeg"), PULL, NO_VIVID, VIVID),
    "USB, YUYV": Camera(USB, (640, 480), PLUG.format("yuyv"), PULL, NO_VIVID, VIVID),
}
FORMAT = "v4l2-ctl -d {} --get-fmt-video | sed -n '/Width/p;/Pixel/p'"
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


def settings(camera: Camera) -> dict[str, Any]:
    size = list(camera.size)
    told = {"id": "cam-1", "driver": "camera", "source": camera.source, "tasks": ["occupancy"]}
    return {**told, "size": size, "rate": 2.0, "memory": 400}


def zones(camera: Camera) -> str:
    corners = [[100, 100], [300, 100], [300, 300], [100, 300]]
    spaces = [{"id": "a-01", "polygon": corners}]
    return json.dumps({"camera": "cam-1", "size": list(camera.size), "spaces": spaces})


@pytest.fixture(params=CAMERAS)
def camera(request: pytest.FixtureRequest, rig: Rig) -> Iterator[Camera]:
    """Plugged in, and the service looks through it."""
    assert rig.shell is not None
    shell, camera = rig.shell, CAMERAS[request.param]
    shell.run("sh", "-c", camera.before)
    shell.run("sh", "-c", camera.plug)
    assert waited(lambda: shell.run("test", "-e", camera.source, check=False).returncode == 0, 120)
    shell.run("mkdir", "-p", "/var/lib/fieldgate/zones")
    shell.put("/var/lib/fieldgate/zones/cam-1.yaml", zones(camera))
    rig.configure([settings(camera)])
    yield camera
    rig.configure()
    shell.run("sh", "-c", camera.pull, check=False)


def picture(rig: Rig) -> bytes:
    """What it sees now; empty when it sees nothing."""
    answer: dict[str, Any] = rig.gateway.ask({"do": "snapshot", "device": "cam-1"}) or {}
    return base64.b64decode(str(answer.get("jpeg", "")))


@pytest.mark.needs("camera_unplug", "systemd")
@pytest.mark.timeout(1800)
def test_a_camera_that_is_pulled_is_seen_again(
    rig: Rig, camera: Camera, record_property: Callable[[str, object], None]
) -> None:
    """By a process that may open the new node, under whatever number; and that is no crash."""
    assert rig.shell is not None
    shell = rig.shell
    assert waited(lambda: picture(rig), 600, pause=2), rig.gateway.ask({"do": "status"})
    assert size_of(picture(rig)) == camera.size
    form = shell.run("sh", "-c", FORMAT.format(camera.source)).stdout
    record_property("format", " ".join(form.split()))
    confined = [s.value for _, s in rig.cloud.samples("cam-1", 0.0) if s.point == "confined"]
    assert confined
    assert all(confined)
    first, before = _node(shell, camera), shell.run("sh", "-c", CHILD).stdout
    lost, back = told(rig, "camera.lost"), told(rig, "camera.back")
    ended = len(rig.cloud.events("device.lost"))
    shell.run("sh", "-c", camera.pull)
    assert waited(lambda: told(rig, "camera.lost") == lost + 1, 120)
    assert shell.run("sh", "-c", CHILD).stdout == before
    shell.run("sh", "-c", camera.elsewhere)
    shell.run("sh", "-c", camera.plug)
    plugged = time.monotonic()
    assert waited(lambda: told(rig, "camera.back") == back + 1, 180)
    record_property("seen again after s", round(time.monotonic() - plugged, 1))
    record_property("nodes", f"{first} then {_node(shell, camera)}")
    assert (_node(shell, camera) != first) == (camera.elsewhere != "true")
    assert shell.run("sh", "-c", CHILD).stdout not in {"", before}
    assert waited(lambda: picture(rig), 60, pause=2)
    assert size_of(picture(rig)) == camera.size
    assert len(rig.cloud.events("device.lost")) == ended


def told(rig: Rig, kind: str) -> int:
    """How often, of a device that was not there."""
    return sum(one.data["reason"] == "no_device" for one in rig.cloud.events(kind))


def _node(shell: Shell, camera: Camera) -> str:
    return shell.run("readlink", "-f", camera.source).stdout.strip()
