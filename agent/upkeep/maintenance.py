"""Which devices are being worked on, and what is kept back meanwhile. Pure.

Readings of such a device are marked `maintenance`, never `good`. Its events are kept back; when the
work ends, the last of them is told if it still stands, so that a device which is left broken is
known to be.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from agent.contract import Event, Instant, Quality, Reading, Record, Value

REASON = "maintenance"
STANDING = frozenset(
    {"device.lost", "device.parked"}
)  # events that say how a device is from now on


@dataclass(slots=True)
class Work:
    """`end` is CLOCK_BOOTTIME of `boot` in ns, `wall` the same moment by the wall clock."""

    boot: str
    began: int
    end: int
    wall: int
    by: str
    held: int = 0
    last: Event | None = None

    def over(self, now: Instant) -> bool:
        """After a restart of the machine the boot-time clock says nothing: then the wall clock
        is believed if it is trusted, else the whole time is counted from now on (`resumed`)."""
        return now.mono >= self.end if now.boot == self.boot else now.wall >= self.wall

    def to_text(self) -> str:
        return json.dumps([self.boot, self.began, self.end, self.wall, self.by])

    @classmethod
    def resumed(cls, text: str, now: Instant) -> "Work":
        """Raises ValueError when that is none."""
        boot, began, end, wall, by = json.loads(text)
        if boot == now.boot:
            return cls(boot, began, end, wall, by)
        left = wall - now.wall if now.trusted else end - began
        left = max(0, min(left, end - began))
        return cls(now.boot, now.mono, now.mono + left, now.wall + left, by)


class Maintenance:
    def __init__(self) -> None:
        self.works: dict[str, Work] = {}  # device -> what is going on there

    def begin(self, device: str, seconds: float, now: Instant, by: str) -> Event:
        """Also lengthens or shortens what has begun."""
        span = round(seconds * 1e9)
        work = self.works.setdefault(device, Work(now.boot, now.mono, 0, 0, by))
        work.end, work.wall, work.by = now.mono + span, now.wall + span, by
        return Event("device.maintenance", device, now, {"seconds": seconds, "by": by})

    def finish(self, device: str, now: Instant, by: str) -> Iterator[Event]:
        """What is to be told at the end; nothing when there is no such work."""
        work = self.works.pop(device, None)
        if work is None:
            return
        seconds = round((now.mono - work.began) / 1e9, 1)
        data: dict[str, Value | None] = {"seconds": seconds, "by": by, "held": work.held}
        yield Event("device.maintained", device, now, data)
        if work.last is not None and work.last.kind in STANDING:
            yield replace(work.last, at=now)

    def finish_due(self, now: Instant) -> Iterator[Event]:
        for device, work in list(self.works.items()):
            if work.over(now):
                yield from self.finish(device, now, "time")

    def mark(self, record: Record) -> Record | None:
        """As it is to be stored; None when it is kept back."""
        if isinstance(record, Reading):
            if record.device not in self.works:
                return record
            bad = record.quality is Quality.BAD
            quality = Quality.BAD if bad else Quality.UNCERTAIN
            return replace(record, quality=quality, reason=REASON)
        work = self.works.get(record.subject)
        if work is None or not record.kind.startswith("device."):
            return record
        work.held, work.last = work.held + 1, record
        return None
