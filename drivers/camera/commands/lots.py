"""What is known of a lot beforehand: its spaces, and the threshold of its camera."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.contract import Tools

if TYPE_CHECKING:
    from drivers.camera.vision.arrays import Image
    from drivers.camera.zones import Point, Zones


def read_zones(file: Path, tools: Tools) -> "Zones":
    """Raises Misconfigured."""
    from drivers.camera.zones import Zones

    return tools.read(file, Zones)


def polygons(zones: "Zones", image: "Image") -> Mapping[str, tuple["Point", ...]]:
    """The spaces, on a picture of any size."""
    height, width = image.shape[:2]
    return {space.id: space.polygon for space in zones.scaled(width, height).spaces}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which chance on a space counts as taken: its own, else the camera's, else the card's."""

    of: Mapping[str, float]
    usual: float

    def __call__(self, space: str = "") -> float:
        return self.of.get(space, self.of.get("", self.usual))


def calibration_of(zones: Path) -> Path:
    """Beside a camera's zones."""
    return zones.with_name(f"{zones.stem}.calibration.yaml")


def beside(zones: Path | None) -> Path | None:
    """The calibration beside a file of zones, where there is one."""
    file = calibration_of(zones) if zones else None
    return file if file is not None and file.is_file() else None
