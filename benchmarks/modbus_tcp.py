"""How fast one Modbus TCP device can be polled, compared with a bare pymodbus client.

Both ask the same server, a process of its own, for the same seven registers, one request at a time.
Ours is the whole driver: the wire's turn, the request, the answer checked and decoded into seven
readings with quality and time. Short rounds alternate, so that what else the machine does hits
both; the median of the pairs' ratios counts.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import yaml

from agent.clock import Clock
from agent.contract import Device
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from drivers.modbus.driver import ModbusDriver

REGISTERS = 7
GOAL = 0.8
PROFILE = {
    "title": "seven registers",
    "family": "other",
    "source": ["benchmark"],
    "confidence": "high",
    "points": {
        f"p{i}": {
            "table": "holding", "address": i, "type": "uint16", "scale": 0.1, "unit": "1",
            "range": [0, 6000],
        }
        for i in range(REGISTERS)
    },
}  # fmt: skip


class Server(asyncio.Protocol):
    """Answers every read of holding registers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        (count,) = struct.unpack_from(">H", data, 10)
        body = bytes([data[6], data[7], 2 * count]) + b"\x01\x02" * count
        self.transport.write(data[:4] + len(body).to_bytes(2) + body)


def serve(pipe: Connection) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Server, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(run())


@dataclass(frozen=True)
class Round:
    rate: float  # requests a second
    cpu: float  # us of this process per request


async def round_of(ask: Callable[[], Awaitable[object]], seconds: float) -> Round:
    count, began, cpu = 0, time.perf_counter(), time.process_time()
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(20):
            await ask()
        count += 20
    return Round(count / spent, (time.process_time() - cpu) / count * 1e6)


async def measure(
    port: int, folder: Path, rounds: int, seconds: float
) -> list[tuple[Round, Round]]:
    """Pairs of ours and theirs."""
    from pymodbus.client import AsyncModbusTcpClient

    (folder / "modbus").mkdir()
    (folder / "modbus" / "bench.yaml").write_text(yaml.safe_dump(PROFILE), encoding="utf-8")
    spec = WireSpec("tcp", host="127.0.0.1", tcp_port=port, framing="tcp")
    device = Device("d", "modbus", 1.0, "tcp", options={"profile": "bench"})
    async with Wires([spec], Board()) as wires:
        driver = ModbusDriver(device, DeviceHost(device, Clock(), wires.wire("tcp"), None, folder))
        await driver.open()
        assert [reading.value for reading in await driver.read()] == [25.8] * REGISTERS
        client = AsyncModbusTcpClient("127.0.0.1", port=port)
        await client.connect()
        assert (await client.read_holding_registers(0, count=REGISTERS)).registers[0] == 258
        bare = partial(client.read_holding_registers, 0, count=REGISTERS)
        pairs = [
            (await round_of(driver.read, seconds), await round_of(bare, seconds))
            for _ in range(rounds)
        ]
        client.close()
        await driver.close()
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.15, help="a round")
    parser.add_argument("--rounds", type=int, default=31)
    args = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        pairs = asyncio.run(measure(ours.recv(), Path(folder), args.rounds, args.seconds))
    server.terminate()
    value = statistics.median(driver.rate / bare.rate for driver, bare in pairs)
    report = {
        "bench": "modbus_tcp: polling / bare pymodbus async, 7 registers",
        "value": round(value, 3),
        "goal": GOAL,
        "ok": value >= GOAL,
        "driver_per_s": round(statistics.median(driver.rate for driver, _ in pairs)),
        "pymodbus_per_s": round(statistics.median(bare.rate for _, bare in pairs)),
        "driver_cpu_us": round(statistics.median(driver.cpu for driver, _ in pairs), 1),
        "pymodbus_cpu_us": round(statistics.median(bare.cpu for _, bare in pairs), 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
