"""What is around a gateway: a broker that can be killed, a cloud that remembers, devices."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from agent.config.load import load
from agent.contract import STREAMS, TELEMETRY, Lane, LinkLost
from agent.demo.broker import Broker
from agent.simulate.stages import Stage, staged
from agent.uplink.endpoint import Endpoint
from agent.uplink.formats import cloudevents, senml
from agent.uplink.formats.arrival import Occurrence, Sample
from agent.uplink.link import open_link
from agent.uplink.receiver import Receiver
from agent.uplink.topics import Topics

GATEWAY, UPLINK = "rig", "cloud"
_TOPICS = Topics.of("fieldgate/{gateway}", GATEWAY)


@dataclass(frozen=True, slots=True)
class Heard:
    """One record as it arrived; `when` by this machine's monotonic clock, in s."""

    when: float
    lane: Lane
    epoch: str
    record: Sample | Occurrence


@dataclass(slots=True)
class Cloud:
    """Subscribes as a platform would, and keeps the receiver's ledger."""

    port: int
    receiver: Receiver = field(default_factory=lambda: Receiver(UPLINK))
    heard: deque[Heard] = field(default_factory=lambda: deque(maxlen=200_000))
    listening: asyncio.Event = field(default_factory=asyncio.Event)

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
        link = await open_link(Endpoint("127.0.0.1", self.port, f"rig-{secrets.token_hex(4)}"))
        try:
            link.on_message = self._take
            await link.subscribe([_TOPICS.pack(s, lane) for s in STREAMS for lane in Lane])
            self.listening.set()
            await link.over.wait()
        finally:
            link.drop()

    def _take(self, topic: str, body: bytes) -> None:
        arrival = (senml if topic.endswith(TELEMETRY) else cloudevents).decode(body)
        lane = Lane.BACKLOG if "/backlog/" in topic else Lane.LIVE
        verdict = self.receiver.take(arrival, lane, time.time_ns() // 1_000_000)
        now = time.monotonic()
        self.heard.extend(
            Heard(now, lane, arrival.epoch, arrival.members[number])
            for number in verdict.new.numbers()
        )

    def samples(self, device: str, since: float) -> list[tuple[float, Sample]]:
        """(arrived, sample) of one device, in the order of arrival, from `since` on."""
        return [
            (one.when, one.record)
            for one in tuple(self.heard)
            if one.when >= since and isinstance(one.record, Sample) and one.record.device == device
        ]

    def events(self, kind: str) -> list[Occurrence]:
        return [
            one.record
            for one in tuple(self.heard)
            if isinstance(one.record, Occurrence) and one.record.kind == kind
        ]


class Site:
    """`stages`: the other end of each simulated wire, by its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = AsyncExitStack()
        self.broker = Broker(folder)
        self.stages: dict[str, Stage] = {}

    async def open(self) -> None:
        await self.broker.start()
        self._open.push_async_callback(self.broker.kill)
        self.cloud = Cloud(self.broker.port)
        listening = asyncio.create_task(self.cloud.run())
        self._open.callback(listening.cancel)
        await self.cloud.listening.wait()

    async def simulate(self, text: str) -> None:
        """Answers as the devices of a configuration would, on its ports and addresses."""
        file = self._folder / "simulated.yaml"
        file.write_text(text, encoding="utf-8")
        config = await asyncio.to_thread(load, file)
        self.stages = await self._open.enter_async_context(staged(config, paced=True))

    async def close(self) -> None:
        await self._open.aclose()


def waited(condition: Callable[[], object], seconds: float, pause: float = 0.1) -> bool:
    """Whether it comes to hold within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def good(samples: list[tuple[float, Sample]]) -> list[float]:
    """When those with a value arrived."""
    return [when for when, sample in samples if sample.value is not None]


def bad(samples: list[tuple[float, Sample]]) -> list[str]:
    """The reasons of those without."""
    return [sample.quality for _, sample in samples if sample.value is None]


Heads = Mapping[tuple[str, str], int]  # (epoch, stream) -> the last number given
