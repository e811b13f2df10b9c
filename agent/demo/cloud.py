"""The cloud's side of the demo: subscribes as a platform would, and keeps the receiver's ledger."""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from agent.contract import STREAMS, TELEMETRY, Lane, LinkLost, Ranges
from agent.demo.scene import GATEWAY, UPLINK
from agent.demo.show import Arrived
from agent.uplink.catalogue import assemble
from agent.uplink.endpoint import Endpoint
from agent.uplink.formats import cloudevents, senml
from agent.uplink.formats.arrival import Arrival, Occurrence, Sample
from agent.uplink.link import Link, open_link
from agent.uplink.receiver import Receiver
from agent.uplink.topics import Topics

_RATE_OVER = 5.0  # s

_TOPICS = Topics.of("fieldgate/{gateway}", GATEWAY)


@dataclass(frozen=True, slots=True)
class _Unit:
    """value in SenML's unit = value * factor + offset"""

    name: str
    factor: float
    offset: float

    def say(self, value: float) -> str:
        if isinstance(value, bool):
            return str(int(value))
        return f"{(value - self.offset) / self.factor:.5g} {self.name.strip('[]{}')}".removesuffix(
            " 1"
        )


@dataclass(slots=True)
class Cloud:
    """`events` are those that arrived and nobody has looked at yet."""

    host: str
    port: int
    mqtt: str
    receiver: Receiver = field(default_factory=lambda: Receiver(UPLINK))
    newest: dict[str, dict[str, Arrived]] = field(default_factory=dict)
    events: deque[Occurrence] = field(default_factory=deque)
    heard: Counter[str] = field(default_factory=Counter)  # events by kind, each once
    received: int = 0
    repeated: int = 0
    delay: float | None = None  # s, of the newest live record
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    _recent: deque[tuple[float, int]] = field(default_factory=deque)
    _described: dict[str, bytes] = field(default_factory=dict)  # topic -> document
    _units: dict[tuple[str, str], _Unit] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled; connects again for ever."""
        while True:
            try:
                await self._listen()
            except LinkLost:
                await asyncio.sleep(0.2)
            finally:
                self.listening.clear()

    async def _listen(self) -> None:
        link = await open_link(
            Endpoint(self.host, self.port, f"fieldgate-demo-{time.time_ns():x}", mqtt=self.mqtt)
        )
        try:
            link.on_message = self._take
            await self._subscribe(link)
            await link.over.wait()
        finally:
            link.drop()

    async def _subscribe(self, link: Link) -> None:
        packs = [_TOPICS.pack(s, lane) for s in STREAMS for lane in Lane]
        await link.subscribe([*packs, f"{_TOPICS.describe}/#"])
        self.listening.set()

    def _take(self, topic: str, body: bytes) -> None:
        if topic.startswith(_TOPICS.describe):
            self._described[topic] = body
            self._translate()
            return
        decode = senml.decode if topic.endswith(TELEMETRY) else cloudevents.decode
        arrival = decode(body)
        lane = Lane.BACKLOG if "/backlog/" in topic else Lane.LIVE
        now = time.time_ns() // 1_000_000
        verdict = self.receiver.take(arrival, lane, now)
        self.received += len(verdict.new)
        self.repeated += verdict.duplicates
        self._recent.append((time.monotonic(), len(verdict.new)))
        self._look(arrival, verdict.new, lane, now)

    def _look(self, arrival: Arrival, new: Ranges, lane: Lane, now: int) -> None:
        for number in new.numbers():
            record = arrival.members[number]
            if isinstance(record, Occurrence):
                self.heard[_sort(record)] += 1
                self.events.append(record)
            elif lane is Lane.LIVE:
                shown = self.newest.setdefault(record.device, {})
                shown[record.point] = self._arrived(record)
                self.delay = (now - record.at) / 1000

    def _translate(self) -> None:
        """What the catalogue says of units: values travel in SenML's, people read the device's."""
        catalogue = assemble(self._described.values())
        for device in catalogue.devices if catalogue else ():
            for point in device["points"]:
                self._units[device["id"], point["id"]] = _Unit(
                    point["unit"], point.get("factor", 1.0), point.get("offset", 0.0)
                )

    def _arrived(self, sample: Sample) -> Arrived:
        if sample.value is None:
            return Arrived(sample.quality, bad=True)
        unit = self._units.get((sample.device, sample.point))
        if unit is None or not isinstance(sample.value, float | int):
            return Arrived(f"{sample.value} {sample.unit}", bad=False)
        return Arrived(unit.say(sample.value), bad=False)

    @property
    def rate(self) -> float:
        """Records/s over the last seconds."""
        since = time.monotonic() - _RATE_OVER
        while self._recent and self._recent[0][0] < since:
            self._recent.popleft()
        return sum(count for _, count in self._recent) / _RATE_OVER

    @property
    def missing(self) -> int:
        return self.receiver.lost


def _sort(event: Occurrence) -> str:
    """Its kind; a space that becomes known has not changed, a picture that is gone not come."""
    if event.kind == "space.seen" and "unknown" in {event.data["before"], event.data["state"]}:
        return "space.known"
    if event.kind == "media" and "jpeg" not in event.data:
        return "media.gone"
    return event.kind
