"""What is known of a camera before its process runs: zones, models, tasks, points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agent.contract import Device, Host, Misconfigured, PointInfo
from drivers.camera.byhand import ByHand, read_by_hand
from drivers.camera.settings import CameraSettings
from drivers.camera.tasks.plates import PlateOptions
from drivers.camera.tasks.watch import Watch, Wishes
from drivers.camera.vision.card import read_card
from drivers.camera.zones import Zones

MODELS = {
    "plates": ("detector", "reader"),
    "count": ("detector",),
    "occupancy": ("occupancy",),
    "no_parking": ("detector", "reader", "occupancy"),
}
FOLDERS = {"detector": "plate_detector", "reader": "plate_reader", "occupancy": "occupancy"}
EXTRA = ("cv2", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Site:
    device: str
    settings: CameraSettings
    zones: Zones | None
    models: Mapping[str, Path]
    trials: Mapping[str, Path]  # models on trial, by the same names as `models`
    by_hand: ByHand = field(default_factory=ByHand)

    @classmethod
    def of(cls, device: Device, host: Host, settings: CameraSettings) -> "Site":
        """Raises Misconfigured: no zones where a task needs them, no model."""
        zones = _zones(device.id, host)
        file = host.zones(f"{device.id}.calibration")
        by_hand = read_by_hand(file if file.is_file() else None)
        for task, part in (("occupancy", "spaces"), ("no_parking", "no_parking"),
                           ("count", "lines")):  # fmt: skip
            if task in settings.tasks and not getattr(zones, part, ()):
                raise Misconfigured(
                    "{device}: the task {task} needs `{part}:` in zones/{device}.yaml",
                    hint="draw them: fieldgate vision snapshot {device}",
                    device=device.id,
                    task=task,
                    part=part,
                )
        wanted = {name for task in settings.tasks for name in MODELS[task]}
        if settings.no_plates:
            wanted.discard("reader")
        models = {name: host.model(FOLDERS[name]) for name in sorted(wanted)}
        trials = {name: host.candidate(FOLDERS[name]) for name in models}
        there = {name: folder for name, folder in trials.items() if folder is not None}
        return cls(device.id, settings, zones, models, there, by_hand)

    @property
    def points(self) -> list[PointInfo]:
        size = self.zones.size if self.zones else (1280, 720)
        zones = self.zones or Zones(camera=self.device, size=size)
        options = PlateOptions(anonymous=self.settings.no_plates)
        watch = Watch(self.device, zones, Wishes(self.settings.tasks, options))
        rates = [PointInfo(f"{name}_rate", "Hz") for name in ("frames", "looks")]
        rates.append(PointInfo("confined", "1", kind="state"))
        told = [PointInfo(p.id, p.unit, kind=p.kind) for p in watch.points] + rates
        if not self.trials:
            return told
        return [*told, PointInfo("shadow_agreement", "1"),
                PointInfo("shadow_looks", "1", kind="counter")]  # fmt: skip

    @property
    def lean(self) -> str:
        """What corrects the occupancy net; "": nothing. Raises Misconfigured."""
        return self.by_hand.lean_for(self.models["occupancy"]) if "occupancy" in self.models else ""

    @property
    def aim(self) -> str:
        """Changes when somebody says anew what the camera is and what lies where in its view."""
        zones = "" if self.zones is None else self.zones.model_dump_json()
        return sha256(f"{self.settings.source}\n{zones}".encode()).hexdigest()

    @property
    def candidates(self) -> Sequence[str]:
        """The models on trial, by their sha256."""
        return [read_card(folder / "card.yaml").sha256 for folder in self.trials.values()]

    @property
    def subjects(self) -> Sequence[str]:
        """Whom an event of this camera may be about."""
        zones = self.zones
        spaces = [one.id for one in zones.spaces] if zones else []
        return [self.device, *spaces, *([one.id for one in zones.no_parking] if zones else [])]

    def setup(self) -> dict[str, Any]:
        """The part of the child's instructions that is known beforehand."""
        settings = self.settings
        return {
            "camera": self.device,
            "kind": settings.kind,
            "tasks": list(settings.tasks),
            "zones": None if self.zones is None else self.zones.model_dump(by_alias=True),
            "models": {name: str(folder) for name, folder in self.models.items()},
            "thresholds": dict(self.by_hand.thresholds),
            "lean": self.lean,
            "candidates": {name: str(folder) for name, folder in self.trials.items()},
            "rate": settings.rate,
            "rest": settings.rest,
            "detect": settings.detect,
            "size": list(settings.size),
            "pictures": settings.pictures,
            "no_plates": settings.no_plates,
            "confidence": settings.confidence,
        }


def check_extra(device: str) -> None:
    """Raises Misconfigured, at the opening: the rest of the gateway runs without."""
    if missing := [name for name in EXTRA if find_spec(name) is None]:
        raise Misconfigured(
            "{device} needs the vision packages, which are not installed ({missing})",
            hint="install them: fieldgate-install --with vision, or pip install fieldgate[vision]",
            reason="no_vision",
            device=device,
            missing=", ".join(missing),
        )


def _zones(device: str, host: Host) -> Zones | None:
    file = host.zones(device)
    if not file.is_file():
        return None
    zones = host.read(file, Zones)
    if zones.camera != device:
        raise Misconfigured(
            "{file}: `camera:` says {camera}, the device is {device}",
            hint="write camera: {device}, or give the file the name of its own camera",
            file=file,
            camera=zones.camera,
            device=device,
        )
    return zones
