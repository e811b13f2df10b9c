"""How fast packs get out, compared with a bare paho client on asyncio.

Both publish the same encoded bodies at QoS 1 with the same window to the same mosquitto (MQTT 5),
over loopback. Ours is the whole of session, window, lanes, verdict on each acknowledgement and
settling in the uplink's account; only the encoding is left out. Rounds alternate, and the median
of the ratios of neighbours counts. CPU seconds of both are told beside it.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from agent.buffer.account import Account
from agent.config.schema import UplinkSettings
from agent.contract import EVENTS, TELEMETRY, Columns, Lane, Pack, Ranges
from agent.status import UplinkStatus
from agent.uplink.blame import Blame
from agent.uplink.endpoint import Endpoint
from agent.uplink.formats.senml import SenmlJson
from agent.uplink.formats.units import shipped
from agent.uplink.link import open_link
from agent.uplink.pace import Pace
from agent.uplink.pump import Pump
from agent.uplink.session import Message, Session
from benchmarks._mosquitto import mosquitto

GOAL = 0.8
TOPIC = "bench/backlog/telemetry"
WINDOW = 20
SERIES = (("dev-0", "soil_moisture", "%"),)


class Bare:
    """paho on asyncio as its documentation shows it, with a window of its own."""

    def __init__(self, port: int, bodies: list[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._bodies = iter(bodies)
        self._left = len(bodies)
        self._flying = 0
        self._connected = asyncio.Event()
        self._done = asyncio.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, "bare", protocol=mqtt.MQTTv5)
        client.max_inflight_messages_set(WINDOW)
        client.on_socket_open = lambda _c, _u, s: self._loop.add_reader(s, client.loop_read)
        client.on_socket_close = self._close
        client.on_socket_register_write = self._write
        client.on_socket_unregister_write = self._wrote
        client.on_connect = lambda *_: self._connected.set()
        client.on_publish = self._published
        client.connect("127.0.0.1", port)
        self._client = client

    def _close(self, _client: object, _userdata: object, sock: Any) -> None:
        self._loop.remove_reader(sock)

    def _write(self, client: mqtt.Client, _userdata: object, sock: Any) -> None:
        self._loop.add_writer(sock, client.loop_write)

    def _wrote(self, _client: object, _userdata: object, sock: Any) -> None:
        self._loop.remove_writer(sock)

    def _published(self, *_: object) -> None:
        self._flying -= 1
        self._left -= 1
        if not self._left:
            self._done.set()
        self._loop.call_soon(self._fill)

    def _fill(self) -> None:
        while self._flying < WINDOW:
            body = next(self._bodies, None)
            if body is None:
                return
            self._client.publish(TOPIC, body, qos=1)
            self._flying += 1

    async def run(self) -> None:
        await self._connected.wait()
        self._fill()
        await self._done.wait()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_write()


class Stock:
    """An outbox whose records are already encoded and whose account is the buffer's own."""

    def __init__(self, count: int) -> None:
        self._accounts = {TELEMETRY: Account(), EVENTS: Account()}
        for account in self._accounts.values():
            account.start("e1")
        self._accounts[TELEMETRY].appended(count)
        self._count = count
        self.done = asyncio.Event()

    async def begin(self) -> None:
        for account in self._accounts.values():
            account.begin()

    async def owed(self, stream: str, lane: Lane, limit: int) -> Pack | None:
        taken = self._accounts[stream].take(lane, limit)
        if taken is None:
            return None
        numbers = range(taken.first, taken.last + 1)
        columns = Columns(SERIES, numbers, numbers, numbers, {})
        return Pack(
            taken.epoch, stream, lane, taken.first, taken.last, taken.again, columns=(columns,)
        )

    async def settle(self, pack: Pack) -> None:
        account = self._accounts[pack.stream]
        account.settle(pack.epoch, pack.range)
        if account.book("e1").settled.last == self._count:
            self.done.set()

    async def give_back(self, pack: Pack) -> None:
        raise AssertionError(pack)

    async def refuse(self, pack: Pack, reason: str) -> None:
        raise AssertionError(pack, reason)

    async def owe(self, epoch: str, stream: str, ranges: Ranges) -> None:
        raise AssertionError(epoch, stream, ranges)

    async def changed(self) -> None:
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Run:
    rate: float  # packs/s
    cpu: float  # us a pack


class Stopwatch:
    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self, packs: int) -> Run:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Run(packs / wall, cpu / packs * 1e6)


async def bare(port: int, bodies: list[bytes]) -> Run:
    client = Bare(port, bodies)
    watch = Stopwatch()
    await client.run()
    run = watch.stop(len(bodies))
    client.close()
    return run


async def ours(port: int, bodies: list[bytes], records: int) -> Run:
    link = await open_link(Endpoint("127.0.0.1", port, "ours"))
    session = Session(link, WINDOW, 60.0)
    settings = UplinkSettings.model_validate(
        {"id": "bench", "brokers": [f"mqtt://127.0.0.1:{port}"], "batch": records}
    )
    stock = Stock(len(bodies) * records)
    encoded: Callable[[Pack], Message] = lambda pack: Message(  # noqa: E731  its type is told
        TOPIC, bodies[(pack.first - 1) // records], "application/senml+json", pack
    )
    pump = Pump(session, stock, encoded, settings, UplinkStatus(), Blame(), Pace())
    await stock.begin()
    watch = Stopwatch()
    moving = asyncio.create_task(pump.move())
    await stock.done.wait()
    run = watch.stop(len(bodies))
    moving.cancel()
    await asyncio.gather(moving, return_exceptions=True)
    session.stop()
    await link.close()
    return run


def encoded_packs(count: int, records: int) -> list[bytes]:
    series = [(f"dev-{d}", f"soil_moisture_{p}", "%") for d in range(10) for p in range(10)]
    way, bodies = SenmlJson("gw-1", shipped()), []
    for first in range(1, count * records, records):
        numbers = range(first, first + records)
        columns = Columns(
            series=series,
            index=[n % 100 for n in numbers],
            times=[1_795_570_000_000 + n // 100 for n in numbers],
            values=[n % 1000 / 10 for n in numbers],
            flags={},
        )
        pack = Pack("e1", TELEMETRY, Lane.BACKLOG, first, first + records - 1, columns=(columns,))
        bodies.append(way.encode(pack, "0123456789abcdef"))
    return bodies


async def compare(port: int, count: int, records: int, rounds: int) -> dict[str, Any]:
    bodies = encoded_packs(count, records)
    pairs = [(await bare(port, bodies), await ours(port, bodies, records)) for _ in range(rounds)]
    ratio = statistics.median(own.rate / other.rate for other, own in pairs)
    return {
        "bench": f"uplink: packs of {records} records, ours / bare paho on asyncio",
        "value": round(ratio, 3),
        "goal": f">= {GOAL}",
        "ok": ratio >= GOAL,
        "ours_per_s": round(statistics.median(own.rate for _, own in pairs)),
        "bare_per_s": round(statistics.median(other.rate for other, _ in pairs)),
        "ours_cpu_us": round(statistics.median(own.cpu for _, own in pairs), 1),
        "bare_cpu_us": round(statistics.median(other.cpu for other, _ in pairs), 1),
        "bytes": len(bodies[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=int, default=1500, help="in a round")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, mosquitto(Path(folder)) as port:
        for records in (1, 20, 200):
            result = asyncio.run(compare(port, args.packs, records, args.rounds))
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
