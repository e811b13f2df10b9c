"""What a simulated device has to tell, and what it was told."""

from collections.abc import Callable, Mapping

from agent.contract import Story
from agent.contract import Value as Told
from drivers.serial_line.codec import Codec
from drivers.serial_line.layout import Value
from drivers.serial_line.profile import Point
from drivers.serial_line.raw import Raw
from drivers.serial_line.station import Station, point_id
from drivers.serial_line.values import encode
from drivers.serial_line.waves import fitted, value_at


class Bank:
    """Points drift by themselves until `set` holds them; fields that were written stay.

    `lost` are the detectors that a receiver hears nothing of.
    """

    def __init__(self, station: Station, codec: Codec, now: Callable[[], float]) -> None:
        """`now`: s since 1970."""
        self.station, self.codec = station, codec
        self.lost: set[str] = set()
        self.refuses = False
        self._now = now
        self._story: Story | None = None
        self._held: dict[tuple[str, str], Told | None] = {}
        self._written: dict[str, Raw] = {}

    def set(self, point: str, value: Told | None, label: str = "") -> None:
        """Holds a point of a detector; None: the first raw value that the profile calls a fault."""
        self._held[label, point] = value

    def hold(self, fields: Mapping[str, Raw]) -> None:
        """Raw values, on all detectors alike; also what a write leaves behind."""
        self._written |= fields

    def follow(self, story: Story) -> None:
        """Points that are neither held nor written show what it tells."""
        self._story = story

    def states(self, label: str) -> Mapping[str, Told | None]:
        """What the story tells now of the detector's states: a change is worth a frame."""
        points = self.station.profile.points
        names = [name for name, point in points.items() if point.is_bool or point.enum]
        return {name: self._told(name, label) for name in names}

    def told(self, field: str) -> Raw | None:
        """What was written to it last."""
        return self._written.get(field)

    def fields(self, message: str, label: str) -> dict[str, Raw]:
        """Those of the message that belong to points, and the detector's key."""
        found: dict[str, Raw] = {}
        key = self.station.detectors[label]
        if self.station.profile.detector is not None and key is not None:
            found[self.station.profile.detector] = key
        for name, field in self.codec.values(message).items():
            raw = self._written.get(name, self._raw(field, label))
            if raw is not None:
                found[name] = raw
        return found

    def _raw(self, field: Value, label: str) -> Raw | None:
        """What the points of the field make of it; None where it has none."""
        points = {
            name: point
            for name, point in self.station.profile.points.items()
            if point.field == field.field
        }
        if parts := {name: p.bit for name, p in points.items() if p.bit is not None}:
            return sum(int(self._encoded(n, field, label)) << bit for n, bit in parts.items())
        held = [name for name in points if (label, name) in self._held]
        chosen = next(iter([*held, *points]), None)
        return None if chosen is None else self._encoded(chosen, field, label)

    def _encoded(self, name: str, field: Value, label: str) -> Raw:
        point = self.station.profile.points[name]
        if (label, name) in self._held:
            return encode(point, field, self._held[label, name])
        told = self._told(name, label)
        value = None if told is None else fitted(point, field, told)
        return encode(
            point, field, self._made_up(name, point, field, label) if value is None else value
        )

    def _told(self, name: str, label: str) -> Told | None:
        if self._story is None:
            return None
        return self._story(self.station.device, point_id(name, label))

    def _made_up(self, name: str, point: Point, field: Value, label: str) -> Told:
        key = f"{self.station.device}/{name if point.bit is not None else field.field}/{label}"
        return value_at(key, point, field, self._now())
