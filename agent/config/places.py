"""A space and what watches it: the configuration of one space, joined with its device's points."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from agent.config.parking import SpaceSettings
from agent.contract import Device, Misconfigured, PointInfo

STATE_POINTS = ("parking_state", "occupied")  # the first says more
AXES = ("magnetic_x", "magnetic_y", "magnetic_z")
FAULT = "fault_code"  # told beside the state: holds until it is told to be over
ALARM = "magnetometer_state"  # told by itself: holds until the detector tells a state again
DETAILS = (
    "battery_level", "battery_voltage", "battery_low", "rssi", "snr", "device_temperature",
    "event_counter", "previous_state_duration", FAULT, ALARM,
)  # fmt: skip
TO_UT: Mapping[str, float] = {"T": 1e6, "mT": 1e3, "uT": 1.0, "nT": 1e-3, "G": 100.0, "mG": 0.1}
MISSED = 3  # polls in a row that brought nothing good, after which a detector counts as silent...
SHORTEST = 5.0  # ...s of that, at least
UNASKED = 60.0  # s in which a poll has come to nothing at all: even a crowded wire is faster
HEARTBEATS = 6 * 3600.0  # s: three of the longest that street detectors are used with, 2 h
FIELD_SILENCE = 30.0  # s without a sample, after which a raw field says nothing any more
SLOWEST = 1.0  # s between samples of a raw field, at most


@dataclass(frozen=True, slots=True)
class Place:
    """`roles`: point -> what it tells: "state", "x", "y", "z", or one of DETAILS.

    `scale` makes uT of the axes. `streaming`: the device speaks unasked, so that a lost link may
    have lost a change. Silence is `silent_after` s without a good reading or, where `missed` is
    not 0, so many bad ones in a row that last SHORTEST s.
    """

    space: str
    device: str
    detector: str
    roles: Mapping[str, str] = field(hash=False)
    silent_after: float
    missed: int
    streaming: bool
    scale: float | None = None  # None: the detector decides by itself
    name: str = ""

    @property
    def is_raw(self) -> bool:
        return self.scale is not None

    def detects_as(self, other: "Place") -> bool:
        """Whether the same points of the same device decide, in the same unit."""
        mine = (self.device, self.scale, self.sources)
        return mine == (other.device, other.scale, other.sources)

    @property
    def sources(self) -> Sequence[str]:
        """The points that decide, in order."""
        return [point for point, role in self.roles.items() if role not in DETAILS]


def place_of(
    space: str,
    settings: SpaceSettings,
    device: Device,
    points: Sequence[PointInfo],
    *,
    streaming: bool,
) -> Place:
    """Raises Misconfigured, whose value `key` is the setting at fault."""
    known = {point.id: point for point in points}
    label = settings.detector or ""
    axes = settings.axes or _default_axes(settings, known, label)
    if axes is not None:
        scale = _scale(axes, known, device, streaming=streaming)
        roles = dict(zip(axes, "xyz", strict=True))
        usual = FIELD_SILENCE
    else:
        scale, roles = None, {_state_point(settings, known, device, label): "state"}
        usual = HEARTBEATS if streaming else max(UNASKED, MISSED * device.every)
    details = {_named(role, label): role for role in DETAILS}
    roles |= {p: role for p, role in details.items() if p in known and p not in roles}
    counted = settings.silent_after is None and scale is None and not streaming
    return Place(
        space=space,
        device=device.id,
        detector=label,
        roles=roles,
        silent_after=settings.silent_after or usual,
        missed=MISSED if counted else 0,
        streaming=streaming,
        scale=scale,
        name=settings.name,
    )


def labels(points: Iterable[str]) -> Iterator[str]:
    """The detectors that points of a receiver end in."""
    for point in points:
        for name in (*STATE_POINTS, AXES[0]):
            if point.startswith(f"{name}_"):
                yield point.removeprefix(f"{name}_")


def _named(point: str, label: str) -> str:
    return f"{point}_{label}" if label else point


def _state_point(
    settings: SpaceSettings, known: Mapping[str, PointInfo], device: Device, label: str
) -> str:
    if settings.point is not None:
        return _existing(settings.point, known, device, "point")
    found = next((p for name in STATE_POINTS if (p := _named(name, label)) in known), None)
    if found is not None:
        return found
    choices = sorted(set(labels(known)), key=lambda one: (len(one), one))
    if label:
        raise _unknown("{device} has no detector '{name}'", label, choices, device, "detector")
    if choices:
        raise Misconfigured(
            "{device} has several detectors; say which one watches this space",
            hint="add `detector:`, one of: {known}",
            device=device.id,
            known=_some(choices),
            key="device",
        )
    raise Misconfigured(
        "no point of {device} tells whether a space is occupied",
        hint="name the point with `point:`, or the three of a raw magnetometer with `axes:`; "
        "there are: {known}",
        device=device.id,
        known=_some(sorted(known)),
        key="device",
    )


def _default_axes(
    settings: SpaceSettings, known: Mapping[str, PointInfo], label: str
) -> tuple[str, str, str] | None:
    """Of a device that measures the field and does not decide by itself."""
    if settings.point is not None or any(_named(name, label) in known for name in STATE_POINTS):
        return None
    x, y, z = (_named(axis, label) for axis in AXES)
    return (x, y, z) if {x, y, z} <= known.keys() else None


def _scale(
    axes: tuple[str, str, str],
    known: Mapping[str, PointInfo],
    device: Device,
    *,
    streaming: bool,
) -> float:
    units = {known[_existing(axis, known, device, "axes")].unit for axis in axes}
    if len(units) != 1 or not units <= TO_UT.keys():
        raise Misconfigured(
            "the axes of a magnetometer must be measured in one unit of {units}, not in {found}",
            hint="correct `axes:`, or the units in the profile",
            units=", ".join(TO_UT),
            found=", ".join(sorted(units)),
            key="axes",
        )
    if len(set(axes)) != len(axes):
        raise Misconfigured(
            "an axis is named twice", hint="name x, y and z in `axes:`", key="axes"
        )  # fmt: skip
    if not streaming and device.every > SLOWEST:
        raise Misconfigured(
            "{device} is read every {every:g} s; a passing wave is over by then",
            hint="write `every: 200ms` there; 400ms still works well, 1s at most",
            device=device.id,
            every=device.every,
            key="device",
        )
    return TO_UT[units.pop()]


def _existing(point: str, known: Mapping[str, PointInfo], device: Device, key: str) -> str:
    if point not in known:
        raise _unknown("{device} has no point '{name}'", point, sorted(known), device, key)
    return point


def _unknown(
    sentence: str, name: str, choices: Sequence[str], device: Device, key: str
) -> Misconfigured:
    close = get_close_matches(name, choices, n=1)
    hint = "did you mean '{close}'?" if close else "there are: {known}"
    return Misconfigured(
        sentence,
        hint=hint,
        device=device.id,
        name=name,
        close=close[0] if close else "",
        known=_some(choices),
        key=key,
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "") if names else "-"
