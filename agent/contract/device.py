"""What the configuration says about one physical thing, and what its driver says of its points."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    """`options` has been validated by the driver's own settings model, and holds what is written:
    `settings.model_validate(options)` gives it typed, with defaults.

    `wire` is the name of the wire that the device hangs on, "" for drivers without one.
    """

    id: str
    driver: str
    every: float  # seconds between polls
    wire: str = ""
    name: str = ""  # free text, Chinese welcome
    place: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PointInfo:
    """One entry of the catalogue."""

    id: str
    unit: str  # UCUM
    name: str = ""
    range: tuple[float, float] | None = None
    kind: str = "measurement"  # or "counter", "state", "text"
    writable: bool = False
    auth: str = ""  # how values prove where they are from: "none", "encrypted"; "" for a wire
