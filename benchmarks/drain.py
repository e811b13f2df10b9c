"""What it costs to send what is stored: read, correct the time, encode, publish, settle.

The store is filled first. Then the whole uplink drains it into a mosquitto, and the CPU seconds of
this process are counted, all its threads and the commits of the settlements included. The yardstick
is `json.dumps` alone, of the same packs as lists of dicts, in the same process afterwards.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.buffer import Buffer, Limits, open_buffer
from agent.clock import Clock
from agent.config.schema import UplinkSettings
from agent.contract import TELEMETRY, Device, Lane, PointInfo, Reading
from agent.status import Board
from agent.uplink.catalogue import Catalogue, Described, GatewayInfo
from agent.uplink.formats.senml import SenmlJson
from agent.uplink.formats.units import shipped
from agent.uplink.uplink import Uplink
from benchmarks._mosquitto import mosquitto

READINGS_PER_CPU_SECOND = 20_000
OF_JSON = 0.5
GATEWAY = GatewayInfo("gw-1")
POINTS = (
    ("soil_moisture", "%"),
    ("soil_temperature", "Cel"),
    ("soil_ec", "uS/cm"),
    ("soil_ph", "[pH]"),
    ("air_temperature", "Cel"),
    ("air_humidity", "%"),
    ("co2", "[ppm]"),
    ("illuminance", "lx"),
    ("wind_speed", "m/s"),
    ("voltage", "V"),
)


async def fill(buffer: Buffer, readings: int, devices: int, clock: Clock) -> None:
    """One poll of every device after the other, as they would come."""
    values = random.Random(1)
    for poll in range(readings // (devices * len(POINTS))):
        for device in range(devices):
            now = clock.now()
            await buffer.put(
                [
                    Reading(f"dev-{device}", point, round(values.uniform(0, 900), 1), unit, now)
                    for point, unit in POINTS
                ]
            )
        if poll % 20 == 0:
            await buffer.flush()
    await buffer.flush()


async def drain(buffer: Buffer, board: Board, clock: Clock, port: int, readings: int) -> float:
    """CPU seconds."""
    settings = UplinkSettings.model_validate(
        {"id": "cloud", "brokers": [f"mqtt://127.0.0.1:{port}"]}
    )
    described = [
        Described(
            Device("dev-0", "modbus", 1.0), [PointInfo(point, unit) for point, unit in POINTS]
        )
    ]
    catalogue = Catalogue.of(GATEWAY, described, shipped())
    uplink = Uplink(
        settings, GATEWAY, buffer.outbox("cloud"), board, clock, describe=lambda: catalogue
    )
    status = board.uplink("cloud")
    began = time.process_time()
    sending = asyncio.create_task(uplink.run())
    while status.records < readings:
        await asyncio.sleep(0.01)
        if sending.done():
            await sending
    spent = time.process_time() - began
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    return spent


async def as_objects(buffer: Buffer, batch: int) -> list[Any]:
    """The packs that were sent, as lists of dicts."""
    outbox, way, packs = buffer.outbox("yardstick"), SenmlJson(GATEWAY.id, shipped()), []
    await outbox.begin()
    while pack := await outbox.owed(TELEMETRY, Lane.BACKLOG, batch):
        packs.append(json.loads(way.encode(pack, "0123456789abcdef")))
    return packs


def cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


async def measure(folder: Path, port: int, readings: int) -> list[dict[str, Any]]:
    board, clock = Board(), Clock()
    limits = Limits(flushes=1000.0)
    async with open_buffer(folder, limits, ["cloud", "yardstick"], clock, board) as buffer:
        await fill(buffer, readings, 50, clock)
        spent = await drain(buffer, board, clock, port, readings)
        packs = await as_objects(buffer, 200)
        yardstick = min(cpu(lambda: [json.dumps(pack) for pack in packs]) for _ in range(3))
    rate, ratio = readings / spent, yardstick / spent
    return [
        {
            "bench": "drain: readings per CPU second, from the store to settled",
            "value": round(rate),
            "goal": f">= {READINGS_PER_CPU_SECOND}",
            "ok": rate >= READINGS_PER_CPU_SECOND,
            "readings": readings,
            "packs": board.uplink("cloud").acknowledged,
        },
        {
            "bench": "drain: rate / json.dumps of the same packs",
            "value": round(ratio, 3),
            "goal": f">= {OF_JSON}",
            "ok": ratio >= OF_JSON,
            "us_a_reading": round(spent / readings * 1e6, 2),
            "json_us_a_reading": round(yardstick / readings * 1e6, 2),
        },
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=200_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, mosquitto(Path(folder)) as port:
        for result in asyncio.run(measure(Path(folder) / "store", port, args.readings)):
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
