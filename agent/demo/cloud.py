"""The cloud's side of the demo: subscribes as a platform would, and keeps the receiver's ledger."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from agent.contract import EVENTS, STREAMS, TELEMETRY, Lane, LinkLost
from agent.demo.scene import GATEWAY, UPLINK
from agent.demo.show import Arrived
from agent.uplink.endpoint import Endpoint
from agent.uplink.formats import cloudevents, senml
from agent.uplink.formats.arrival import Arrival, Occurrence, Sample
from agent.uplink.link import Link, open_link
from agent.uplink.receiver import Receiver
from agent.uplink.topics import Topics

_RATE_OVER = 5.0  # s


@dataclass(slots=True)
class Cloud:
    """`events` are those that arrived and nobody has looked at yet."""

    host: str
    port: int
    mqtt: str
    receiver: Receiver = field(default_factory=lambda: Receiver(UPLINK))
    newest: dict[str, dict[str, Arrived]] = field(default_factory=dict)
    events: deque[Occurrence] = field(default_factory=deque)
    received: int = 0
    repeated: int = 0
    delay: float | None = None  # s, of the newest live record
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

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
        topics = Topics.of("fieldgate/{gateway}", GATEWAY)
        await link.subscribe([topics.pack(s, lane) for s in STREAMS for lane in Lane])
        self.listening.set()

    def _take(self, topic: str, body: bytes) -> None:
        decode = senml.decode if topic.endswith(TELEMETRY) else cloudevents.decode
        arrival = decode(body)
        lane = Lane.BACKLOG if "/backlog/" in topic else Lane.LIVE
        now = time.time_ns() // 1_000_000
        verdict = self.receiver.take(arrival, lane, now)
        self.received += len(verdict.new)
        self.repeated += verdict.duplicates
        self._recent.append((time.monotonic(), len(verdict.new)))
        self._look(arrival, lane, now)

    def _look(self, arrival: Arrival, lane: Lane, now: int) -> None:
        if arrival.stream == EVENTS:
            self.events.extend(arrival.occurrences)
        elif lane is Lane.LIVE:
            for sample in arrival.samples:
                shown = self.newest.setdefault(sample.device, {})
                shown[sample.point] = _arrived(sample)
                self.delay = (now - sample.at) / 1000

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


def _arrived(sample: Sample) -> Arrived:
    if sample.value is None:
        return Arrived(sample.quality, bad=True)
    value = f"{sample.value:.4g}" if isinstance(sample.value, float) else str(sample.value)
    return Arrived(f"{value} {sample.unit}".rstrip(" /"), bad=False)
