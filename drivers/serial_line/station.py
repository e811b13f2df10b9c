"""All that is known of a device before the first byte: its profile and its settings, joined."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.contract import (
    Device,
    DeviceFault,
    Host,
    Line,
    Misconfigured,
    PointInfo,
    Shelf,
    broken_profile,
    chosen_points,
)
from drivers.serial_line.layout import Value
from drivers.serial_line.profile import Kind, Point, Profile, load_profile
from drivers.serial_line.proof import faults
from drivers.serial_line.raw import Raw, Unreadable, from_bytes, to_bytes
from drivers.serial_line.settings import SerialLineSettings

T = TypeVar("T")
HEARTBEATS = 3  # missed ones that are silence


@dataclass(frozen=True, slots=True)
class Station:
    """Times in seconds. `line` is None where the device speaks as its wire does; `detectors` is
    label -> key, {"": None} for a device that is its own detector; `labels` is the way back."""

    device: str
    profile: Profile
    address: Raw | None
    fields: Mapping[str, Raw]
    detectors: Mapping[str, Raw | None]
    labels: Mapping[Raw | Unreadable | None, str]
    points: Mapping[str, Point]
    line: Line | None
    connect: tuple[str, int] | None
    listen: tuple[str, int] | None
    check: str | None
    timeout: float
    guard: float
    max_late: float
    warm_up: float
    silent_after: float

    @classmethod
    def of(cls, device: Device, host: Host) -> "Station":
        """Raises Misconfigured: no such profile, a broken one, or settings that do not fit it."""
        settings = SerialLineSettings.model_validate(dict(device.options))
        profile = PROFILES.find(host, settings.profile)
        _check_way(profile, settings, device)
        timing = profile.timing
        detectors = _detectors(profile, settings)
        usual_silence = HEARTBEATS * (math.inf if timing.heartbeat is None else timing.heartbeat)
        return cls(
            device=device.id,
            profile=profile,
            address=_address(profile, settings),
            fields=_fields(profile, settings),
            detectors=detectors,
            labels={key: label for label, key in detectors.items()},
            points=chosen_points(profile.points, settings.points, settings.profile),
            line=settings.line.over(profile.line.line) if settings.line else None,
            connect=_udp(settings.connect),
            listen=_udp(settings.listen),
            check=settings.check,
            timeout=_first(settings.timeout, timing.timeout),
            guard=_first(settings.guard, timing.guard),
            max_late=_first(settings.max_late, timing.max_late),
            warm_up=_first(settings.warm_up, timing.warm_up),
            silent_after=_first(settings.silent_after, usual_silence),
        )

    @property
    def catalogue(self) -> list[PointInfo]:
        return [
            _info(point_id(name, label), point)
            for label in self.detectors
            for name, point in self.points.items()
        ]

    @property
    def broadcast(self) -> bool:
        """Whether the device's address is everybody's."""
        own = self.profile.address
        return own is not None and own.broadcast is not None and own.broadcast == self.address

    def label(self, fields: Mapping[str, Raw | Unreadable]) -> str | None:
        """Of the detector that these fields are of; None: one that is not in the settings."""
        if self.profile.detector is None:
            return ""
        return self.labels.get(fields.get(self.profile.detector))

    def is_addressed(self, fields: Mapping[str, Raw | Unreadable]) -> bool:
        """Whether these are fields of an answer of this device."""
        own = self.profile.address
        return own is None or self.broadcast or fields.get(own.field, self.address) == self.address


def point_id(name: str, label: str) -> str:
    return f"{name}_{label}" if label else name


def _proven(file: Path) -> Profile:
    """Raises Misconfigured where the profile does not understand its own messages."""
    profile = load_profile(file)
    try:
        wrong = next(faults(profile), None)
    except DeviceFault as error:
        raise broken_profile(file, str(error)) from error
    if wrong is not None:
        raise Misconfigured(
            "{file}: the message {name} is not understood when it comes back",
            hint="look for a field with `size: null` that nothing ends, and for a `set:` that the "
            "field cannot have",
            file=file,
            name=wrong,
        )
    return profile


PROFILES = Shelf(_proven)


def _address(profile: Profile, settings: SerialLineSettings) -> Raw | None:
    own = profile.address
    if own is None:
        if settings.address is not None:
            raise Misconfigured(
                "devices of the profile {profile} have no address",
                hint="take out `address:`; only one such device can hang on a wire",
                profile=settings.profile,
            )
        return None
    chosen = own.factory if settings.address is None else settings.address
    return _key(_field(profile, own.field), chosen, "address")


def _fields(profile: Profile, settings: SerialLineSettings) -> Mapping[str, Raw]:
    known = {name for one in profile.exchanges() for name in profile.values(one.send)}
    for name in settings.fields:
        if name not in known:
            raise Misconfigured(
                "requests of the profile {profile} have no field '{field}'",
                hint="correct `fields:`; see `messages:` in the profile",
                profile=settings.profile,
                field=name,
            )
    return {n: _key(_field(profile, n), raw, "fields") for n, raw in settings.fields.items()}


def _detectors(profile: Profile, settings: SerialLineSettings) -> Mapping[str, Raw | None]:
    if profile.detector is None:
        if settings.detectors is not None:
            raise Misconfigured(
                "devices of the profile {profile} have no detectors behind them",
                hint="take out `detectors:`",
                profile=settings.profile,
            )
        return {"": None}
    if settings.detectors is None:
        raise Misconfigured(
            "{profile} needs to know its detectors",
            hint="add `detectors:`, like [1, 2, 5-20] or {{a17: 'F00A12'}}",
            profile=settings.profile,
        )
    field = _field(profile, profile.detector)
    found = {k: _key(field, key, "detectors") for k, key in settings.detectors.items()}
    if len(set(found.values())) < len(found):
        raise Misconfigured(
            "a detector is named twice", hint="correct `detectors:` of the device"
        )  # fmt: skip
    return found


def _field(profile: Profile, name: str) -> Value:
    return next(v[name] for v in map(profile.values, profile.messages) if name in v)


def _key(field: Value, written: int | str, setting: str) -> Raw:
    """As it will be read out of a frame."""
    raw: Raw = written
    try:
        if field.type in {"raw", "text"}:
            raw = written if isinstance(written, str) else "a number"
        elif isinstance(written, str):
            raw = int(written)
        found = from_bytes(field, to_bytes(field, raw))
    except (ValueError, DeviceFault) as error:
        raise _no_key(field, written, setting) from error
    if isinstance(found, Unreadable):
        raise _no_key(field, written, setting)
    return found


def _no_key(field: Value, written: int | str, setting: str) -> Misconfigured:
    return Misconfigured(
        "`{setting}:` {written} does not fit into {size} bytes of the frame",
        hint="write numbers as they are, and hexadecimal digits in quotes, like 'F00A12'",
        setting=setting,
        written=written,
        size=field.size,
    )


def _check_way(profile: Profile, settings: SerialLineSettings, device: Device) -> None:
    """A device hangs on a wire, is asked by UDP, or is listened for."""
    ways = [bool(device.wire), settings.connect is not None, settings.listen is not None]
    wrong = settings.connect if profile.listens else settings.listen
    if sum(ways) > 1 or wrong is not None:
        raise Misconfigured(
            "a device has either `wire:`, `connect:` (it is asked by UDP) or `listen:` (it speaks "
            "unasked by UDP)",
            hint="take out what does not fit the device: `connect:`, `listen:` or `wire:`",
        )
    if not any(ways):
        raise Misconfigured(
            "{device} needs a wire",
            hint="add `wire:` to the device, naming one of `wires:`",
            device=device.id,
        )


def _udp(written: str | None) -> tuple[str, int] | None:
    if written is None:
        return None
    host, _, port = written.removeprefix("udp://").rpartition(":")
    return host, int(port)


def _first(chosen: T | None, usual: T) -> T:
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
    return "state" if point.is_bool or point.enum else "measurement"
