"""What a gateway with Bluetooth takes: every family of sensors, 100 advertisements a second.

The agent is a process of its own, with bleak, the decoding libraries, an uplink and metrics; it
speaks to a bluetoothd of ours over a real D-Bus.
"""

import argparse
import asyncio
import json
import os
import random
import struct
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from agent.demo.broker import Broker
from agent.demo.scene import free_port
from benchmarks.footprint import cpu, rss, started, stop
from drivers.ble import payloads
from drivers.ble.packet import uuid
from tests.support_bluez import Bluez
from tests.support_bluez_parts import Daemon

GOAL = 75.0  # MB
RATE = 100  # advertisements a second
WARM_UP = 15.0  # s, after which the service has given back what its start took
KEY = "231d39c1d7cc1ab1aee224cd096db932"
FCD2, FE95, ATC = uuid("fcd2"), uuid("fe95"), uuid("181a")


def address(number: int) -> str:
    return f"A4:C1:38:00:00:{number:02X}"


DEVICES = (
    "family: bthome, points: [soil_moisture, air_temperature]",
    "family: bthome, points: [soil_moisture, air_temperature], key_file: KEY",
    "family: xiaomi, points: [soil_moisture]",
    "family: ruuvi",
    "family: govee",
    "profile: pvvx-atc",
    "family: inkbird, quiet: 1h",
    "family: sensorpush, quiet: 1h",
    "family: qingping, quiet: 1h",
    "family: thermobeacon, quiet: 1h",
    "family: thermopro, quiet: 1h",
)


def configuration(folder: Path, broker: int) -> Path:
    key = folder / "key"
    key.write_text(KEY, encoding="ascii")
    devices = "\n".join(
        f'  - {{id: d{n}, driver: ble, address: "{address(n)}", every: 1s, '
        f"{what.replace('KEY', str(key))}}}"
        for n, what in enumerate(DEVICES)
    )
    file = folder / "gateway.yaml"
    file.write_text(
        f"gateway: {{id: demo}}\nstore: {{path: {folder}/store, max_size: 500MB}}\n"
        f"control: {{socket: {folder}/control.sock}}\n"
        f'metrics: {{listen: "127.0.0.1:{free_port()}"}}\ndevices:\n{devices}\n'
        f'uplinks:\n  - {{id: cloud, brokers: ["mqtt://127.0.0.1:{broker}"]}}\n'
    )
    return file


class Air:
    """Sensors of ours one in twenty, strangers whose addresses change."""

    def __init__(self, bluez: Bluez) -> None:
        self._bluez, self._random, self._count = bluez, random.Random(1), 0
        self.sent = 0

    async def run(self) -> None:
        while True:
            self.sent += self._ours() if self.sent % 20 == 0 else self._stranger()
            await asyncio.sleep(1 / RATE)

    def _stranger(self) -> int:
        one = self._bluez.device(f"{self._random.getrandbits(16):04X}".join(("AA:", ":00:00:01")))
        self._bluez.advertise(one, manufacturers={0x4C: bytes(20)})
        if len(self._bluez.devices) > 200:
            self._bluez.forget(one)
        return 1

    def _ours(self) -> int:
        self._count += 1
        number, count = self._count % 6, self._count // 6
        services, companies, name = self._said(number, count)
        self._bluez.advertise(self._bluez.device(address(number), name), services, companies)
        return 1

    def _said(self, number: int, count: int) -> tuple[dict[str, bytes], dict[int, bytes], str]:
        own, values = address(number), {"moisture": 30, "temperature": 20.0}
        key = bytes.fromhex(KEY)
        services: dict[int, dict[str, bytes]] = {
            0: {FCD2: payloads.bthome(values, count)},
            1: {FCD2: payloads.bthome_encrypted(values, key, own, count)},
            2: {FE95: payloads.mibeacon(own, count, [(0x1008, struct.pack("<B", 30))])},
            5: {ATC: payloads.pvvx(own, count, 20, 40, 3, 80)},
        }
        companies = {
            3: {0x0499: payloads.ruuvi5(own, count)},
            4: {0xEC88: payloads.govee_h5075(21, 40, 90)},
        }
        return services.get(number, {}), companies.get(number, {}), f"GVH5075_{number}"


async def measure(seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with AsyncExitStack() as closing:
            daemon = Daemon(folder)
            daemon.start()
            closing.callback(daemon.stop)
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = daemon.address
            bluez = Bluez(daemon.address)
            await bluez.start()
            closing.push_async_callback(bluez.stop)
            broker = Broker(folder)
            await broker.start()
            closing.push_async_callback(broker.kill)
            file = configuration(folder, broker.port)
            agent = await started(folder, "run", "--config", str(file))
            closing.push_async_callback(stop, agent)
            air = Air(bluez)
            sending = asyncio.create_task(air.run())
            closing.callback(sending.cancel)
            await asyncio.sleep(WARM_UP)
            return await _watched(agent.pid, air, seconds)


async def _watched(pid: int, air: Air, seconds: float) -> dict[str, float]:
    first, used, sent = rss(pid), cpu(pid), air.sent
    await asyncio.sleep(seconds)
    return {
        "rss": rss(pid),
        "grown": rss(pid) - first,
        "cpu": (cpu(pid) - used) / seconds * 100,
        "rate": (air.sent - sent) / seconds,
    }


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=30.0)
    found = asyncio.run(measure(words.parse_args().seconds))
    note = {key: round(found[key], 2) for key in ("grown", "cpu", "rate")}
    line = {"bench": "ble_memory: RSS in MB with every family", "value": round(found["rss"], 1)}
    print(json.dumps(line | {"goal": GOAL, "ok": found["rss"] <= GOAL} | note), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
