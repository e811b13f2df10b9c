"""What frames say: readings."""

from collections.abc import Iterable, Mapping

from agent.contract import Instant, Quality, Reading
from drivers.serial_line.reader import Frame
from drivers.serial_line.station import Station, point_id
from drivers.serial_line.values import decoder


class Sampler:
    """`raw`: for each point told since `forget`, the bytes that it came from, as hex."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._decoders = {name: decoder(point) for name, point in station.points.items()}
        self.raw: dict[str, str] = {}

    def forget(self) -> None:
        self.raw = {}

    def readings(
        self, frame: Frame, at: Instant, *, warm: bool = True, proven: bool = True
    ) -> list[Reading]:
        """Of every detector in the frame that is in the settings. Unless the device is `warm` and
        the checksum `proven`, nothing is better than uncertain."""
        doubt = "" if warm and proven else "unchecked" if warm else "warm_up"
        found = []
        for row in frame.rows():
            label = self._station.label(row)
            for name, point in self._station.points.items() if label is not None else ():
                if point.field not in row:
                    continue
                value, quality, reason = self._decoders[name](row[point.field])
                if doubt and quality is Quality.GOOD:
                    quality, reason = Quality.UNCERTAIN, doubt
                shown = point_id(name, label or "")
                self.raw[shown] = frame.spans.get(point.field, frame.data).hex(" ").upper()
                found.append(
                    Reading(self._station.device, shown, value, point.unit, at, quality, reason)
                )
        return found

    def bad(
        self, fields: Iterable[str], labels: Iterable[str], at: Instant, reason: str
    ) -> list[Reading]:
        """Of every point that comes out of one of these fields."""
        wanted = set(fields)
        return [
            Reading(
                self._station.device, point_id(name, label), None, point.unit, at, Quality.BAD,
                reason,
            )
            for label in labels
            for name, point in self._station.points.items()
            if point.field in wanted
        ]  # fmt: skip


def labels_of(station: Station, frames: Iterable[Frame]) -> set[str]:
    """The detectors that these frames tell of."""
    rows: Iterable[Mapping[str, object]] = (row for frame in frames for row in frame.rows())
    return {label for row in rows if (label := station.label(row)) is not None}  # type: ignore[arg-type]  # rows of frames
