"""What the detector knows of its bay: small, and kept across restarts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from agent.parking.block import Vector, minus

VERSION = 1


class Occupancy(StrEnum):
    UNKNOWN = "unknown"
    VACANT = "vacant"
    OCCUPIED = "occupied"
    INTERFERENCE = "interference"  # a strong magnet: nothing can be said


@dataclass(frozen=True, slots=True)
class Change:
    """The bay is something else than before, and why: `branch` is the decision's name."""

    t: float  # s, of the sample that decided it
    occupancy: Occupancy
    branch: str
    began: float  # s, when the field left its level
    shift: float  # uT, L1 from the settled field before to the one after
    swing: float  # uT, L1 span of the wave between them, noise taken off

    @property
    def occupied(self) -> bool | None:
        """None: not known. Never False for want of samples."""
        return {Occupancy.OCCUPIED: True, Occupancy.VACANT: False}.get(self.occupancy)


@dataclass(slots=True)
class Memory:
    """Fields in uT.

    `empty` is the baseline: it follows the field only while the bay is vacant and the field calm.
    `parked` is the field of the car that stands there; `entered`, how it differed from the empty
    field when the car came. `mirrored`, their difference, is the empty field with the drift and
    the neighbours of today, while `empty` is that of the car's arrival.
    """

    occupancy: Occupancy = Occupancy.UNKNOWN
    car: bool = False  # as last confirmed, also while nothing can be said
    empty: Vector | None = None  # None until calibrated
    parked: Vector = (0.0, 0.0, 0.0)
    entered: Vector = (0.0, 0.0, 0.0)
    swing: float = 0.0  # of the wave that the car came with
    noise: float = 0.5  # as in Parameters
    last: float | None = None  # s, of the last sample
    left_behind: list[Vector] = field(default_factory=list)  # by waves from above, newest last

    @property
    def mirrored(self) -> Vector:
        return minus(self.parked, self.entered)

    @property
    def known(self) -> Vector | None:
        """The field to be expected now."""
        return self.parked if self.car else self.empty

    def follow(self, level: Vector) -> None:
        """The calm field has drifted to `level`."""
        if self.occupancy is Occupancy.VACANT:
            self.empty = level
        elif self.occupancy is Occupancy.OCCUPIED:
            self.parked = level

    def leave(self, field: Vector) -> None:
        self.car, self.empty = False, field

    def arrive(self, field: Vector, swing: float) -> None:
        self.car, self.parked, self.swing = True, field, swing
        self.entered = minus(field, self.empty or field)

    def exchange(self, field: Vector) -> None:
        """Another car, or the same one in another place."""
        self.entered = minus(field, self.mirrored)
        self.parked = field

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> "Memory":
        """Raises ValueError for what is not ours."""
        if kept.get("version") != VERSION:
            raise ValueError(f"detector state of version {kept.get('version')!r}, not {VERSION}")
        try:
            return cls(
                occupancy=Occupancy(kept["occupancy"]),
                car=bool(kept["car"]),
                empty=None if kept["empty"] is None else _vector(kept["empty"]),
                parked=_vector(kept["parked"]),
                entered=_vector(kept["entered"]),
                swing=float(kept["swing"]),
                noise=float(kept["noise"]),
                last=None if kept["last"] is None else float(kept["last"]),
                left_behind=[_vector(field) for field in kept["left_behind"]],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"damaged detector state: {error!r}") from error


def _vector(value: Any) -> Vector:
    x, y, z = (float(axis) for axis in value)
    return x, y, z
