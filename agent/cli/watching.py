"""What `fieldgate watch` makes of each message."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from agent.contract import STREAMS, TELEMETRY, Lane
from agent.uplink.formats import cloudevents, senml
from agent.uplink.formats.arrival import Arrival, Occurrence, Sample
from agent.uplink.receiver import Receiver

Show = Callable[[Mapping[str, Any]], None]


class Watcher:
    """`gateway` may be "+", for all of them. `whole`: see Receiver."""

    def __init__(self, root: str, gateway: str, *, whole: bool, show: Show) -> None:
        self._root = root.replace("{gateway}", gateway)
        self._receiver = Receiver(whole=whole)
        self._show = show
        self._described: dict[str, str] = {}  # gateway -> hash of its catalogue
        self.unreadable = 0

    @property
    def filters(self) -> list[str]:
        lanes = ["", "backlog/"]
        packs = [f"{self._root}/{lane}{stream}" for lane in lanes for stream in STREAMS]
        return packs + [f"{self._root}/{name}" for name in ("describe", "manifest")]

    def take(self, topic: str, body: bytes) -> None:
        """Anything may come; what is not ours is counted."""
        end = topic.rpartition("/")[2]
        try:
            if end in STREAMS:
                lane = Lane.BACKLOG if topic.endswith(f"/backlog/{end}") else Lane.LIVE
                self._pack((senml if end == TELEMETRY else cloudevents).decode(body), lane)
            elif end == "manifest":
                self._manifest(body)
            elif end == "describe" and body:
                self._describe(body)
        except (ValueError, LookupError, TypeError, AttributeError):
            self.unreadable += 1

    def report(self) -> dict[str, Any]:
        """The receiver's, with what only the watcher knows."""
        return {
            **self._receiver.report(),
            "unreadable": self.unreadable,
            "catalogues": dict(self._described),
        }

    def _pack(self, arrival: Arrival, lane: Lane) -> None:
        verdict = self._receiver.take(arrival, lane, time.time_ns() // 1_000_000)
        self._show(
            {
                "gateway": arrival.gateway,
                "epoch": arrival.epoch,
                "stream": arrival.stream,
                "lane": lane.value,
                "first": arrival.first,
                "last": arrival.last,
                "skip": [[s.first, s.last, s.reason] for s in arrival.skip],
                "again": arrival.again,
                "new": str(verdict.new),
                "records": [_record(n, record) for n, record in arrival.members.items()],
            }
        )

    def _manifest(self, body: bytes) -> None:
        """What the gateway says that it has numbered, epoch by epoch."""
        told = json.loads(body)
        for epoch, streams in told["epochs"].items():
            for stream, numbers in streams.items():
                self._receiver.expect(told["gateway"], epoch, stream, int(numbers["last"]))

    def _describe(self, body: bytes) -> None:
        told = json.loads(body)
        self._described[told["gateway"]] = told["cat"]


def _record(number: int, record: Sample | Occurrence) -> dict[str, Any]:
    fields: dict[str, Any] = {"seq": number, "t": record.at / 1000, "estimated": record.estimated}
    if isinstance(record, Occurrence):
        name = f"{record.kind} {record.subject}".rstrip()
        return fields | {"name": name, "kind": record.kind, "data": record.data}
    return fields | {
        "name": f"{record.device}/{record.point}",
        "value": record.value,
        "unit": record.unit,
        "quality": record.quality,
    }
