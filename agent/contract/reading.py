"""What the gateway carries: one measured value, or one thing that happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = float | int | bool | str


class Quality(StrEnum):
    GOOD = "good"
    UNCERTAIN = "uncertain"  # out of the sensor's range, or suspect after a bus fault
    BAD = "bad"  # the device reported a fault, or did not answer; value is None


@dataclass(frozen=True, slots=True)
class Instant:
    """When something happened, by both clocks, and how far the wall clock was trusted then.

    `boot` is the kernel's boot id, `mono` CLOCK_BOOTTIME in ns, `wall` ns since 1970 UTC.
    Together they allow a wrong wall clock to be corrected later.
    """

    boot: str
    mono: int
    wall: int
    trusted: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one point at one instant; `value` is in `unit` (UCUM), already scaled.

    `reason` says why the quality is not good: lower snake case, like `timeout` or `range`.
    """

    device: str
    point: str
    value: Value | None
    unit: str
    at: Instant
    quality: Quality = Quality.GOOD
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """What an event shows. `role` says of what: scene, vehicle, plate."""

    jpeg: bytes
    width: int  # pixels
    height: int
    role: str = "scene"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a device lost, a gap, an alarm. `kind` is dotted lower case.

    Pictures are personal data: they are kept and sent apart from the event, which names them.
    """

    kind: str
    subject: str
    at: Instant
    data: Mapping[str, Value | None]
    media: tuple[Picture, ...] = ()


Record = Reading | Event
