"""What no mosquitto can be made to answer: a scripted broker that speaks just enough MQTT 5."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from agent.config.schema import UplinkSettings
from agent.contract import EVENTS, TELEMETRY, Lane, Ranges
from agent.uplink.formats import cloudevents, senml
from agent.uplink.formats.arrival import Arrival
from tests.support_uplink import MemoryOutbox, eventually, running, uplink_settings

Answer = Callable[[Lane, Arrival], int | None]  # reason code; below zero: DISCONNECT; None: silence


@dataclass
class Scripted:
    """Answers each pack as told; documents are always welcome."""

    answer: Answer
    connack: int = 0
    goodbye: int | None = None  # DISCONNECT with this code right after CONNACK
    garbage: bytes = b""  # sent right after CONNACK
    port: int = 0
    connects: int = 0
    packs: list[tuple[Lane, Arrival]] = field(default_factory=list)
    in_flight: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                kind, body = await _packet(reader)
                if not await self._heard(kind, body, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _heard(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether to go on."""
        if kind >> 4 == 1:
            self.connects += 1
            writer.write(bytes([0x20, 3, 0, self.connack, 0]) + self.garbage)
            if self.goodbye is not None:
                writer.write(bytes([0xE0, 1, self.goodbye]))
            return self.connack == 0 and self.goodbye is None
        if kind >> 4 == 12:
            writer.write(b"\xd0\x00")
        if kind >> 4 == 3:
            return self._published(body, writer)
        return kind >> 4 != 14

    def _published(self, body: bytes, writer: asyncio.StreamWriter) -> bool:
        size = struct.unpack_from("!H", body)[0]
        topic, mid = body[2 : 2 + size].decode(), body[2 + size : 4 + size]
        payload = body[5 + size + body[4 + size] :]
        stream = topic.rpartition("/")[2]
        code: int | None = 0
        if stream in {TELEMETRY, EVENTS}:
            lane = Lane.BACKLOG if "/backlog/" in topic else Lane.LIVE
            arrival = (senml if stream == TELEMETRY else cloudevents).decode(payload)
            self.packs.append((lane, arrival))
            code = self.answer(lane, arrival)
        if code is None:
            return True
        if code < 0:
            writer.write(bytes([0xE0, 1, -code]))
            return False
        writer.write(bytes([0x40, 3, *mid, code]))
        return True


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind, await reader.readexactly(length)


@asynccontextmanager
async def scripted(answer: Answer = lambda *_: 0, **more: object) -> AsyncIterator[Scripted]:
    broker = Scripted(answer, **more)  # type: ignore[arg-type]  # fields by name
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()


def _settings(broker: Scripted, **more: object) -> UplinkSettings:
    return uplink_settings(f"mqtt://127.0.0.1:{broker.port}", **more)


def _outbox(count: int) -> MemoryOutbox:
    outbox = MemoryOutbox()
    outbox.add(count)
    return outbox


@pytest.mark.parametrize(("code", "reason"), [(0x97, "quota_exceeded"), (0x99, "payload_invalid")])
async def test_a_pack_refused_three_times_becomes_a_gap_and_the_lane_goes_on(
    code: int, reason: str
) -> None:
    async with scripted(lambda _, a: code if a.first == 201 else 0) as broker:
        outbox = _outbox(1000)
        async with running(_settings(broker), outbox) as uplink:
            await eventually(lambda: outbox.refusals)
            await eventually(lambda: len(outbox.settled()) == 800)
            assert uplink.status.refused == 1
    (pack, why), *others = outbox.refusals
    assert (pack.first, pack.last, why, others) == (201, 400, reason, [])
    tries = [arrival for _, arrival in broker.packs if arrival.first == 201]
    assert [arrival.again for arrival in tries] == [False, True, True]
    assert broker.connects == 1


async def test_a_refusal_that_passes_costs_nothing() -> None:
    codes = iter([0x97, 0x97, 0])

    async with scripted(lambda _, a: next(codes) if a.first == 1 else 0) as broker:
        outbox = _outbox(600)
        async with running(_settings(broker), outbox):
            await eventually(lambda: outbox.settled() == Ranges.of(1, 600))
    assert outbox.refusals == []


async def test_a_refused_live_pack_is_sent_again_through_the_backlog() -> None:
    codes = iter([0x99])
    async with scripted(lambda *_: next(codes, 0)) as broker:
        settings = _settings(broker)
        async with running(settings) as uplink:
            await eventually(lambda: uplink.status.state == "connected")
            uplink.outbox.add(3)
            await eventually(lambda: len(uplink.outbox.settled()) == 3)
    assert [(lane, a.again) for lane, a in broker.packs] == [
        (Lane.LIVE, False),
        (Lane.BACKLOG, True),
    ]


async def test_a_pack_that_ends_the_connection_is_found_and_given_up() -> None:
    """0x99 as DISCONNECT names no pack: one at a time tells which."""
    async with scripted(lambda _, a: -0x99 if 450 in a.members else 0) as broker:
        outbox = _outbox(1000)
        async with running(_settings(broker), outbox):
            await eventually(lambda: outbox.refusals)
            await eventually(lambda: not outbox.owed_now())
    ((pack, why),) = outbox.refusals
    assert 450 in pack.range
    assert pack.count <= 200
    assert why == "payload_invalid"
    assert outbox.settled() == Ranges.of(1, 1000) - pack.range


async def test_packs_shrink_when_the_broker_calls_them_too_large() -> None:
    """0x95 as DISCONNECT, from a broker that named no Maximum Packet Size."""
    async with scripted(lambda _, a: -0x95 if len(a.members) > 60 else 0) as broker:
        outbox = _outbox(400)
        async with running(_settings(broker), outbox):
            await eventually(lambda: outbox.settled() == Ranges.of(1, 400))
    assert outbox.refusals == []


async def test_a_single_record_called_too_large_three_times_becomes_a_gap() -> None:
    async with scripted(lambda _, a: -0x95 if 3 in a.members else 0) as broker:
        outbox = _outbox(5)
        async with running(_settings(broker), outbox):
            await eventually(lambda: not outbox.owed_now())
    ((pack, why),) = outbox.refusals
    assert (pack.first, pack.last, why) == (3, 3, "too_large")


async def test_0x95_in_a_puback_is_no_mqtt_and_still_does_not_block_the_lane() -> None:
    async with scripted(lambda _, a: 0x95 if a.first == 201 else 0) as broker:
        outbox = _outbox(600)
        async with running(_settings(broker), outbox):
            await eventually(lambda: outbox.refusals)
            await eventually(lambda: not outbox.owed_now())
    ((pack, _),) = outbox.refusals
    assert pack.first == 201


@pytest.mark.parametrize("code", [0x80, 0x83, 0x87, 0x90])
async def test_other_refusals_end_the_session_and_settle_nothing(code: int) -> None:
    async with scripted(lambda *_: code) as broker:
        outbox = _outbox(600)
        settings = _settings(broker)
        async with running(settings, outbox) as uplink:
            await eventually(lambda: broker.connects >= 3)
            await eventually(lambda: f"{code:#04x}" in uplink.status.error)
    assert not outbox.settled()
    assert outbox.refusals == []


async def test_a_session_taken_over_says_that_another_gateway_has_our_identity() -> None:
    async with scripted(goodbye=0x8E) as broker:
        settings = _settings(broker)
        async with running(settings) as uplink:
            await eventually(lambda: "another gateway uses the identity" in uplink.status.error)
            await eventually(lambda: uplink.status.state == "refused")
            await eventually(lambda: broker.connects >= 2)


@pytest.mark.parametrize(
    ("code", "state", "word"),
    [
        (0x84, "refused", "does not speak MQTT 5"),
        (0x86, "refused", "refuses the login"),
        (0x89, "waiting", "takes no connections now"),
        (0x8A, "refused", "Banned"),
    ],
)
async def test_a_refused_connect_says_what_to_do(code: int, state: str, word: str) -> None:
    async with scripted(connack=code) as broker, running(_settings(broker)) as uplink:
        await eventually(lambda: word in uplink.status.error)
        await eventually(lambda: uplink.status.state == state)
        await eventually(lambda: broker.connects >= 2)


async def test_what_is_no_mqtt_ends_the_session_and_nothing_else() -> None:
    garbage = b"\x40\xff\xff\xff\xff\xff\x01HTTP/1.1 200 OK\r\n"
    async with scripted(garbage=garbage) as broker, running(_settings(broker)) as uplink:
        await eventually(lambda: broker.connects >= 3)
        assert not uplink.task.done()
        await eventually(lambda: "ended the connection" in uplink.status.error)


async def test_an_acknowledgement_of_nothing_is_ignored() -> None:
    async with scripted(garbage=bytes([0x40, 3, 0x12, 0x34, 0])) as broker:
        outbox = _outbox(10)
        async with running(_settings(broker), outbox):
            await eventually(lambda: len(outbox.settled()) == 10)
    assert broker.connects == 1


async def test_a_broker_that_acknowledges_nothing_is_left_and_all_is_owed_again() -> None:
    silent = iter([None, None])
    async with scripted(lambda *_: next(silent, 0)) as broker:
        outbox = _outbox(400)
        settings = _settings(broker, publish_deadline="1s")
        async with running(settings, outbox):
            await eventually(lambda: len(outbox.settled()) == 400)
    assert broker.connects == 2
    assert all(arrival.again for _, arrival in broker.packs[2:])
