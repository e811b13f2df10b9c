"""What is known of a lot beforehand: its spaces, and the threshold of its camera."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.contract import Misconfigured

if TYPE_CHECKING:
    from drivers.camera.vision.arrays import Image
    from drivers.camera.zones import Point, Zones


def read_zones(file: Path) -> "Zones":
    """Raises Misconfigured."""
    import yaml
    from pydantic import ValidationError

    from drivers.camera.zones import Zones

    try:
        return Zones.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _broken(file, f"{where}: {first['msg'].removeprefix('Value error, ')}") from error
    except OSError as error:
        raise _broken(file, error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _broken(file, str(error)) from error


def _broken(file: Path, problem: str) -> Misconfigured:
    return Misconfigured(
        "{file}: {problem}", hint="correct the file, and try again", file=file, problem=problem
    )


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


def read_thresholds(file: Path | None, usual: float) -> Thresholds:
    """`file` None: no calibration. Raises Misconfigured."""
    import yaml

    if file is None:
        return Thresholds({}, usual)
    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8"))["thresholds"]
        return Thresholds({str(space): float(value) for space, value in written.items()}, usual)
    except OSError as error:
        raise _broken(file, error.strerror or str(error)) from error
    except (yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise _broken(file, str(error)) from error
