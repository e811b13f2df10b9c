"""The uplink on the real buffer, against a real mosquitto."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from agent.buffer import Buffer, Limits, open_buffer
from agent.clock import Clock
from agent.config.schema import UplinkSettings
from agent.contract import EVENTS, TELEMETRY, Event, Quality, Reading, Record
from agent.status import Board
from agent.uplink.receiver import Receiver
from agent.uplink.uplink import Uplink
from tests.support_uplink import (
    BRISK,
    GATEWAY,
    NOW,
    Broker,
    Cloud,
    catalogue,
    eventually,
    uplink_settings,
)

Listen = Callable[..., Cloud]


@dataclass
class Gateway:
    """A buffer and an uplink, as the service joins them."""

    buffer: Buffer
    board: Board
    clock: Clock

    async def put(self, *records: Record) -> None:
        await self.buffer.put(records)
        await self.buffer.flush()

    def readings(self, count: int) -> Sequence[Reading]:
        now = self.clock.now()
        return [Reading("soil-1", "soil_moisture", float(n), "%", now) for n in range(count)]

    @property
    def settled(self) -> bool:
        laws = self.buffer.law("cloud").values()
        return all(law.holds and not law.owed for law in laws)


@asynccontextmanager
async def gateway(folder: Path, settings: UplinkSettings) -> AsyncIterator[Gateway]:
    board, clock = Board(), Clock()
    limits = Limits(commit_every=0.05, flushes=1000.0)
    async with open_buffer(folder, limits, ["cloud"], clock, board) as buffer:
        uplink = Uplink(
            settings,
            GATEWAY,
            buffer.outbox("cloud"),
            board,
            clock,
            catalogue,
            manifest=buffer.manifest,
            pace=BRISK,
        )
        task = asyncio.create_task(uplink.run())
        try:
            yield Gateway(buffer, board, clock)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def ledger(cloud: Cloud) -> Receiver:
    """What the cloud can prove from what it received."""
    receiver = Receiver("cloud")
    for lane, arrival in cloud.arrivals():
        receiver.take(arrival, lane, NOW)
    return receiver


async def test_what_is_stored_arrives_whatever_it_is(
    tmp_path: Path, broker: Broker, listen: Listen
) -> None:
    cloud = listen(broker.port)
    async with gateway(tmp_path, uplink_settings(broker.url)) as gw:
        now = gw.clock.now()
        await gw.put(
            Reading("soil-1", "soil_moisture", 23.4, "%", now),
            Reading("soil-1", "relay_state", True, "1", now),
            Reading("soil-1", "note", "潮湿", "1", now),
            Reading("air-2", "co2", None, "[ppm]", now, Quality.BAD, "timeout"),
            Reading("air-2", "co2", 99_999.0, "[ppm]", now, Quality.UNCERTAIN, "range"),
            Event("device.lost", "air-2", now, {"reason": "timeout", "seconds": 1.5}),
        )
        await eventually(lambda: gw.settled and len(cloud.numbers(gw.buffer.epoch)) == 5)
        await eventually(lambda: len(cloud.numbers(gw.buffer.epoch, EVENTS)) == 1)
    samples = [s for _, a in cloud.arrivals() for s in a.samples]
    assert [(s.point, s.value, s.quality) for s in samples] == [
        ("soil_moisture", 0.234, "good"),
        ("relay_state", True, "good"),
        ("note", "潮湿", "good"),
        ("co2", None, "bad:timeout"),
        ("co2", 0.099999, "uncertain:range"),
    ]


async def test_a_killed_broker_and_a_restarted_gateway_lose_nothing(
    tmp_path: Path, broker: Broker, listen: Listen
) -> None:
    cloud = listen(broker.port)
    settings = uplink_settings(broker.url, batch=50, overlap="60s")
    for _ in range(2):
        async with gateway(tmp_path, settings) as gw:
            for _ in range(10):
                await gw.put(*gw.readings(100))
            broker.kill()
            await gw.put(*gw.readings(100))
            broker.start()
            await gw.put(*gw.readings(100))
            await eventually(lambda: gw.settled, 40)
            await eventually(lambda: ledger(cloud).lost == 0, 40)
    receiver = ledger(cloud)
    report = receiver.report()
    assert (report["lost"], report["conflicts"], report["disorder"]) == (0, 0, 0)
    assert receiver.clones(GATEWAY.id) == {}
    streams = report["gateways"][GATEWAY.id]["streams"]
    assert [epoch["received"] for epoch in streams[TELEMETRY].values()] == [1200, 1200]


async def test_what_waits_for_a_listener_comes_once_and_in_order(
    tmp_path: Path, broker: Broker, listen: Listen
) -> None:
    async with gateway(tmp_path, uplink_settings(broker.url, batch=20)) as gw:
        await gw.put(*gw.readings(100))
        await eventually(lambda: gw.board.uplink("cloud").state == "holding")
        await gw.put(*gw.readings(100))
        cloud = listen(broker.port)
        await eventually(lambda: gw.settled and len(cloud.numbers(gw.buffer.epoch)) == 200)
    report = ledger(cloud).report()
    assert (report["lost"], report["conflicts"], report["disorder"]) == (0, 0, 0)


async def test_a_refused_record_is_told_as_a_gap(
    tmp_path: Path, make_broker: Callable[..., Broker], listen: Listen
) -> None:
    broker = make_broker(global_config="max_packet_size 800")
    cloud = listen(broker.port)
    async with gateway(tmp_path, uplink_settings(broker.url)) as gw:
        now = gw.clock.now()
        await gw.put(Reading("soil-1", "note", "x" * 2000, "1", now), *gw.readings(3))
        await eventually(lambda: ledger(cloud).report()["received"] >= 4)  # three and the event
        await eventually(lambda: gw.settled)
    gaps = ledger(cloud).ledger(GATEWAY.id, gw.buffer.epoch, TELEMETRY).gaps
    assert {reason: str(numbers) for reason, numbers in gaps.items()} == {"too_large": "1"}
    assert ledger(cloud).lost == 0


async def test_the_manifest_is_as_documented(
    tmp_path: Path, broker: Broker, listen: Listen
) -> None:
    cloud = listen(broker.port)
    async with gateway(tmp_path, uplink_settings(broker.url)) as gw:
        await gw.put(*gw.readings(10))
    async with gateway(tmp_path, uplink_settings(broker.url)):
        await eventually(lambda: any(m["epochs"] for m in cloud.documents("/manifest")))
    told = next(m for m in cloud.documents("/manifest") if m["epochs"])
    Draft7Validator(_manifest_schema()).validate(told)
    ((_, streams),) = told["epochs"].items()
    assert (streams[TELEMETRY]["first"], streams[TELEMETRY]["last"]) == (1, 10)


def _manifest_schema() -> dict[str, Any]:
    import yaml

    docs = Path(__file__).parents[3] / "docs" / "asyncapi.yaml"
    api = yaml.safe_load(docs.read_text(encoding="utf-8"))
    return {**api["components"]["schemas"]["manifest"], "components": api["components"]}
