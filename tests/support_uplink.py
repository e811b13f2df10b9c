"""The other parties of an uplink: a mosquitto, a cloud, and an outbox in memory."""

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tenacity import wait_fixed

from agent.buffer.account import Account, Taken
from agent.clock import Clock
from agent.config.schema import UplinkSettings
from agent.contract import (
    STREAMS,
    TELEMETRY,
    Columns,
    Device,
    Event,
    Happening,
    Instant,
    Lane,
    Pack,
    PointInfo,
    Ranges,
    Skip,
)
from agent.status import Board, UplinkStatus
from agent.uplink.catalogue import Catalogue, Described, GatewayInfo
from agent.uplink.formats import cloudevents, senml
from agent.uplink.formats.arrival import Arrival
from agent.uplink.formats.units import shipped
from agent.uplink.pace import Pace
from agent.uplink.uplink import Uplink

NOW = 1_795_570_000_000  # ms
BRISK = Pace(
    lost=wait_fixed(0.05),
    refused=wait_fixed(0.1),
    taken_over=wait_fixed(0.1),
    same_pack=wait_fixed(0.05),
    probe=0.1,
    status=0.1,
)


async def eventually(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """Polls until it holds; fails with the condition's last value."""
    for _ in range(round(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"not within {seconds} s: {condition()!r}")


def mosquitto() -> str:
    """Where it is; skips the test where it is not."""
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    return found


class Broker:
    """A mosquitto on a free port of 127.0.0.1 that stays the same across restarts."""

    def __init__(self, folder: Path, config: str = "", global_config: str = "") -> None:
        self._program = mosquitto()
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._config = config or "allow_anonymous true"
        self._global = global_config
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it accepts connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"mosquitto-{self.port}.conf"
        file.write_text(
            f"user root\n{self._global}\nlistener {self.port} 127.0.0.1\n{self._config}\n",
            encoding="utf-8",
        )
        with (self._folder / f"mosquitto-{self.port}.log").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-v", "-c", str(file)], stderr=log)
        for _ in range(500):
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            threading.Event().wait(0.02)
        pytest.fail(f"mosquitto does not start: {self.log()[-500:]}")

    def log(self) -> str:
        return (self._folder / f"mosquitto-{self.port}.log").read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL: it has no time to save anything."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It hangs: connections stay open, nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None


class Cloud:
    """An independent subscriber that remembers everything, in order."""

    def __init__(self, port: int, *filters: str, **paho: Any) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []  # topic, body, retained
        self._ready = threading.Event()
        self._filters = filters or ("#",)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"cloud-{id(self)}", protocol=mqtt.MQTTv5
        )
        if tls := paho.get("tls"):
            self._client.tls_set(**tls)
        if user := paho.get("user"):
            self._client.username_pw_set(*user)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._keep
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._ready.wait(10):
            pytest.fail("the cloud cannot subscribe")

    def _subscribe(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(name, 1) for name in self._filters])

    def _keep(self, _client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload), message.retain))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def bodies(self, end: str) -> list[bytes]:
        """Of the topics that end so, oldest first."""
        return [body for topic, body, _ in self.messages if topic.endswith(end)]

    def documents(self, end: str) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies(end) if body]

    def arrivals(self) -> list[tuple[Lane, Arrival]]:
        found = []
        for topic, body, _ in self.messages:
            stream = topic.rpartition("/")[2]
            if stream in STREAMS:
                lane = Lane.BACKLOG if "/backlog/" in topic else Lane.LIVE
                way = senml if stream == TELEMETRY else cloudevents
                found.append((lane, way.decode(body)))
        return found

    def numbers(self, epoch: str = "e1", stream: str = TELEMETRY) -> Ranges:
        """All that arrived."""
        return Ranges.from_intervals(
            (number, number)
            for _, arrival in self.arrivals()
            if arrival.epoch == epoch and arrival.stream == stream
            for number in arrival.members
        )


def columns(count: int, start: int = 1) -> Columns:
    """Of two series; the value of each record is its number."""
    numbers = range(start, start + count)
    return Columns(
        series=(("soil-1", "soil_moisture", "%"), ("soil-1", "soil_temperature", "Cel")),
        index=[number % 2 for number in numbers],
        times=[NOW + number for number in numbers],
        values=[float(number) for number in numbers],
        flags={},
    )


@dataclass
class MemoryOutbox:
    """An outbox whose accounting is the buffer's own, and whose records are made up on demand."""

    epoch: str = "e1"
    accounts: dict[str, Account] = field(default_factory=dict)
    begun: int = 0
    refusals: list[tuple[Pack, str]] = field(default_factory=list)
    owed_again: list[tuple[str, Ranges]] = field(default_factory=list)
    _new: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        for stream in STREAMS:
            self.accounts[stream] = Account()
            self.accounts[stream].start(self.epoch)

    def add(self, count: int, stream: str = TELEMETRY) -> None:
        book = self.accounts[stream].book(self.epoch)
        self.accounts[stream].appended(book.head + count)
        self._new.set()

    def settled(self, stream: str = TELEMETRY) -> Ranges:
        return self.accounts[stream].book(self.epoch).settled

    def owed_now(self, stream: str = TELEMETRY) -> Ranges:
        return self.accounts[stream].book(self.epoch).owed

    @property
    def lawful(self) -> bool:
        return all(account.law().holds for account in self.accounts.values())

    async def begin(self) -> None:
        self.begun += 1
        for account in self.accounts.values():
            account.begin()

    async def owed(self, stream: str, lane: Lane, limit: int) -> Pack | None:
        taken = self.accounts[stream].take(lane, limit)
        return None if taken is None else self._pack(stream, lane, taken)

    def _pack(self, stream: str, lane: Lane, taken: Taken) -> Pack:
        pack = Pack(taken.epoch, stream, lane, taken.first, taken.last, taken.again)
        count = taken.last - taken.first + 1
        if taken.absent:
            return Pack(
                taken.epoch,
                stream,
                lane,
                taken.first,
                taken.last,
                taken.again,
                (Skip(taken.first, taken.last, "evicted"),),
            )
        if stream == TELEMETRY:
            return _with(pack, columns=(columns(count, taken.first),))
        return _with(pack, happenings=tuple(happening(n) for n in pack.members))

    async def settle(self, pack: Pack) -> None:
        self.accounts[pack.stream].settle(pack.epoch, pack.range, pack.skip)

    async def give_back(self, pack: Pack) -> None:
        self.accounts[pack.stream].give_back(pack.epoch, pack.range)
        self._new.set()

    async def refuse(self, pack: Pack, reason: str) -> None:
        self.refusals.append((pack, reason))
        self.accounts[pack.stream].refuse(pack.epoch, pack.range, reason)

    async def owe(self, epoch: str, stream: str, ranges: Ranges) -> None:
        self.owed_again.append((stream, ranges))
        self.accounts[stream].owe(epoch, ranges, ranges)
        self._new.set()

    async def changed(self) -> None:
        await self._new.wait()
        self._new.clear()


def _with(pack: Pack, **changes: Any) -> Pack:
    from dataclasses import replace

    return replace(pack, previous=("e0", 7) if pack.first == 1 else None, **changes)


def happening(number: int) -> Happening:
    at = Instant("boot", number, NOW * 10**6, trusted=True)
    return Happening(Event("device.lost", "soil-1", at, {"number": number}), NOW + number)


GATEWAY = GatewayInfo("gw-1", "一号网关", "0.1.0")


def catalogue(devices: int = 1, points: int = 2) -> Catalogue:
    described = [
        Described(
            Device(f"soil-{n}", "modbus", 10.0, name="土壤", place="棚 3"),
            [PointInfo(f"soil_moisture_{p}", "%", range=(0, 100)) for p in range(points)],
            "acme-tx2",
            "0123",
        )
        for n in range(1, devices + 1)
    ]
    return Catalogue.of(GATEWAY, described, shipped())


def uplink_settings(*brokers: str, **more: Any) -> UplinkSettings:
    plain = {"live_period": "50ms", "publish_deadline": "20s", "keepalive": "10s"}
    return UplinkSettings.model_validate({"id": "cloud", "brokers": list(brokers), **plain, **more})


@dataclass
class Running:
    outbox: MemoryOutbox
    board: Board
    task: asyncio.Task[None]

    @property
    def status(self) -> UplinkStatus:
        return self.board.uplink("cloud")

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@contextlib.asynccontextmanager
async def running(
    settings: UplinkSettings,
    outbox: MemoryOutbox | None = None,
    pace: Pace = BRISK,
    described: Sequence[Catalogue] = (),
) -> AsyncIterator[Running]:
    """An uplink at work; a bug in it fails the test."""
    box, board = outbox or MemoryOutbox(), Board(gateway=GATEWAY.id)
    catalogues = list(described) or [catalogue()]
    board.buffer.epoch = box.epoch

    def describe() -> Catalogue:
        return catalogues.pop(0) if len(catalogues) > 1 else catalogues[0]

    async def manifest() -> dict[str, Any]:
        return {"epochs": {box.epoch: {TELEMETRY: {"first": 1, "last": len(box.settled())}}}}

    uplink = Uplink(settings, GATEWAY, box, board, Clock(), describe, manifest=manifest, pace=pace)
    run = Running(box, board, asyncio.create_task(uplink.run()))
    try:
        yield run
    finally:
        await run.stop()
    assert box.lawful
