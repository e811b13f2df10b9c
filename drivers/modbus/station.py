"""All that is known of a device before the first byte: its profile and its settings, joined."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError
from yaml import YAMLError

from agent.contract import Device, Host, Line, Misconfigured, PointInfo
from drivers.modbus.profile import Kind, Point, Profile, load_profile
from drivers.modbus.settings import ModbusSettings


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
        profile = find_profile(host, settings.profile)
        factory, timing = profile.line, profile.timing
        return cls(
            profile=profile,
            unit=factory.unit if settings.unit is None else settings.unit,
            points=_chosen(profile, settings),
            line=settings.line.over(factory.line) if settings.line else None,
            timeout=_first(settings.timeout, timing.timeout),
            guard=_first(settings.guard, timing.guard),
            max_late=_first(settings.max_late, timing.max_late),
            warm_up=_first(settings.warm_up, timing.warm_up),
        )

    @property
    def catalogue(self) -> list[PointInfo]:
        return [_info(name, point) for name, point in self.points.items()]


def find_profile(host: Host, name: str) -> Profile:
    """Raises Misconfigured."""
    file = host.profile(name)
    try:
        look = file.stat()
        return _loaded(file, look.st_mtime_ns, look.st_size)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _broken(file, f"{where}: {first['msg']}") from error
    except (OSError, YAMLError, UnicodeDecodeError) as error:
        raise _broken(file, str(error)) from error


@lru_cache(maxsize=256)
def _loaded(file: Path, mtime: int, size: int) -> Profile:  # noqa: ARG001  a changed file is read anew
    """One object for all devices of a kind: reading YAML takes longer than reading a device."""
    return load_profile(file)


def _broken(file: Path, problem: str) -> Misconfigured:
    return Misconfigured(
        "{file}: {problem}",
        hint="correct the profile; `fieldgate check` reads it again",
        file=file,
        problem=problem,
    )


def _chosen(profile: Profile, settings: ModbusSettings) -> Mapping[str, Point]:
    if settings.points is None:
        return profile.points
    for name in settings.points:
        if name not in profile.points:
            near = get_close_matches(name, profile.points, n=1) or list(profile.points)
            raise Misconfigured(
                "the profile {profile} has no point '{point}', but for example '{near}'",
                hint="correct `points:` of the device, or leave it out to read all",
                profile=settings.profile,
                point=name,
                near=near[0],
            )
    return {name: profile.points[name] for name in settings.points}


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
