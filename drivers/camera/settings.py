"""What a device's entry in the configuration may say when its driver is `camera`."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from agent.contract.settings import Seconds, Strict

Side = Annotated[int, Field(ge=160, le=7680)]
TaskName = Literal["plates", "occupancy", "no_parking", "count"]
SCHEMES = frozenset({"rtsp", "http", "https"})
DEVICES = ("/dev/video", "/dev/v4l/")


def _source(value: str) -> str:
    if value.startswith("/"):
        return value
    parts = urlsplit(value)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(
            "write rtsp://host/…, http://host/… (MJPEG, or a snapshot with `still: true`), "
            "/dev/video0, /dev/v4l/by-id/…, or a folder of pictures"
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError("no user or password in an address; use `user:` and `password_file:`")
    return value


class CameraSettings(Strict):
    source: Annotated[str, AfterValidator(_source)] = Field(
        description="rtsp://…, http://…, /dev/video…, or a file or folder of pictures."
    )
    still: bool = Field(False, description="http: each request brings one picture, no stream.")
    user: str | None = Field(None, min_length=1, description="As whom to log in at the camera.")
    password_file: Path | None = Field(None, description="Secrets come from files only.")
    ca_file: Path | None = Field(
        None, description="https: the CA or the certificate of the camera, instead of the system's."
    )
    size: tuple[Side, Side] = Field(
        (1920, 1080), description="/dev/video: width and height that the camera is asked for."
    )
    tasks: tuple[TaskName, ...] = Field(min_length=1, description="What it is looked at for.")
    rate: float = Field(
        4.0, gt=0, le=15, allow_inf_nan=False, description="Looks a second while things move."
    )
    rest: Annotated[Seconds, Field(ge=0.5, le=60)] = Field(
        5.0, description="Between two looks while nothing moves."
    )
    detect: Literal[320, 416, 640] = Field(
        640, description="Pixels that the detector sees: more is farther and slower."
    )
    pictures: bool = Field(True, description="Events bring pictures along.")
    no_plates: bool = Field(
        False, description="No plate is ever read, shown or stored; vehicles are."
    )
    confidence: float = Field(
        0.6, ge=0, le=1, allow_inf_nan=False, description="Of a plate, for its event."
    )
    adopt: bool = Field(
        False, description="A model in shadow that agrees is used from the next start on."
    )
    calibrate: bool = Field(
        True, description="After a day it sets its thresholds of free and taken by what it saw."
    )
    memory: int = Field(300, ge=150, le=2000, description="MB that its process may take.")

    @model_validator(mode="after")
    def _login(self) -> "CameraSettings":
        if self.password_file is not None and self.user is None:
            raise ValueError("`password_file:` needs `user:`; write it, too")
        if self.still and self.kind not in {"mjpeg", "snapshot"}:
            raise ValueError("`still:` is for http:// only; leave it out")
        if self.ca_file is not None and not self.source.startswith("https://"):
            raise ValueError("`ca_file:` is for https:// only; leave it out")
        return self

    @property
    def kind(self) -> str:
        """Of the source: rtsp, mjpeg, snapshot, v4l2, images."""
        if self.source.startswith("/"):
            return "v4l2" if self.source.startswith(DEVICES) else "images"
        if urlsplit(self.source).scheme == "rtsp":
            return "rtsp"
        return "snapshot" if self.still else "mjpeg"
