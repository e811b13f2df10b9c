"""Cameras: number plates, spaces and zones, seen on the device. See README.md."""

from agent.contract import Device, DriverSpec, Host, StreamingDriver
from drivers.camera.settings import CameraSettings


def _make(device: Device, host: Host) -> StreamingDriver:
    from drivers.camera.driver import CameraDriver

    return CameraDriver(device, host)


DRIVER = DriverSpec(
    name="camera",
    summary="RTSP, MJPEG, V4L2: plates, parking spaces, zones, counted on the device",
    settings=CameraSettings,
    make=_make,
    commands={
        "vision": "drivers.camera.commands.vision:vision",
        "model": "drivers.camera.commands.model:model",
    },
)
