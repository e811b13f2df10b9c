"""What an uplink needs around it: an outbox in memory, settings, a catalogue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tenacity import wait_fixed

from agent.buffer.account import Account, Taken
from agent.clock import Clock
from agent.config.schema import UplinkSettings
from agent.contract import (
    MEDIA,
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
    Value,
)
from agent.status import Board, UplinkStatus
from agent.uplink.catalogue import Catalogue, Described, GatewayInfo
from agent.uplink.formats.units import shipped
from agent.uplink.pace import Pace
from agent.uplink.uplink import Uplink
from tests.support_broker import Broker, Cloud, eventually

__all__ = ["Broker", "Cloud", "eventually"]

NOW = 1_795_570_000_000  # ms
BRISK = Pace(
    lost=wait_fixed(0.05),
    refused=wait_fixed(0.1),
    taken_over=wait_fixed(0.1),
    same_pack=wait_fixed(0.05),
    probe=0.1,
    status=0.1,
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
        made = shown if stream == MEDIA else happening
        return _with(pack, happenings=tuple(made(n) for n in pack.members))

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
    return replace(pack, previous=("e0", 7) if pack.first == 1 else None, **changes)


def happening(number: int) -> Happening:
    at = Instant("boot", number, NOW * 10**6, trusted=True)
    return Happening(Event("device.lost", "soil-1", at, {"number": number}), NOW + number)


def shown(number: int) -> Happening:
    at = Instant("boot", number, NOW * 10**6, trusted=True)
    about: dict[str, Value | None] = {
        "sha256": "0",
        "bytes": 3,
        "width": 9,
        "height": 4,
        "role": "plate",
        "event": "x",
    }
    return Happening(Event("media", f"picture-{number}", at, {"id": "p", **about}), NOW + number)


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
        extent = {"first": 1, "last": 1 + len(box.settled()), "count": 1, "from": 1, "sha256": "0"}
        return {"epochs": {box.epoch: {TELEMETRY: extent}}, "omitted": 0}

    uplink = Uplink(
        settings,
        GATEWAY,
        box,
        board,
        Clock(),
        describe,
        manifest=manifest,
        picture=lambda name: b"jpg" if name != "picture-2" else None,
        pace=pace,
    )
    run = Running(box, board, asyncio.create_task(uplink.run()))
    try:
        yield run
    finally:
        await run.stop()
    assert box.lawful
