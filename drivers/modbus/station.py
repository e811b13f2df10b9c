"""All that is known of a device before the first byte: its profile and its settings, joined."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.contract import Device, Host, Line, PointInfo, Shelf, chosen_points
from drivers.modbus.profile import Kind, Point, Profile, load_profile
from drivers.modbus.settings import ModbusSettings

PROFILES = Shelf(load_profile)


@dataclass(frozen=True, slots=True)
class Station:
    """Times in seconds. `line` is None where the device speaks as its wire does."""

    profile: Profile
    unit: int
    points: Mapping[str, Point]
    line: Line | None
    timeout: float
    guard: float
    max_late: float
    warm_up: float

    @classmethod
    def of(cls, device: Device, host: Host) -> "Station":
        """Raises Misconfigured: no such profile, a broken one, or no such point in it."""
        settings = ModbusSettings.model_validate(dict(device.options))
        profile = PROFILES.find(host, settings.profile)
        factory, timing = profile.line, profile.timing
        return cls(
            profile=profile,
            unit=factory.unit if settings.unit is None else settings.unit,
            points=chosen_points(profile.points, settings.points, settings.profile),
            line=settings.line.over(factory.line) if settings.line else None,
            timeout=_first(settings.timeout, timing.timeout),
            guard=_first(settings.guard, timing.guard),
            max_late=_first(settings.max_late, timing.max_late),
            warm_up=_first(settings.warm_up, timing.warm_up),
        )

    @property
    def catalogue(self) -> list[PointInfo]:
        return [_info(name, point) for name, point in self.points.items()]


def _first(chosen: float | None, usual: float) -> float:
    return usual if chosen is None else chosen


def _info(name: str, point: Point) -> PointInfo:
    return PointInfo(
        id=name,
        unit=point.unit,
        name=point.name,
        range=None if point.enum else point.range,
        kind=_kind(point),
        writable=point.write is not None,
    )


def _kind(point: Point) -> Kind:
    if point.kind != "measurement":
        return point.kind
    if point.type == "ascii":
        return "text"
    bit = point.type == "bool" or (point.bit is not None and point.bits == 1)
    return "state" if bit or point.enum else "measurement"
