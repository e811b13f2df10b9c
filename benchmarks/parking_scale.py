"""How fast, and for how much CPU, a car park's changes reach the broker.

2,300 spaces: 40 concentrators on 8 RTU wires at 9600 baud, whose bytes take their real time. The
concentrators, the agent and mosquitto are processes of their own. Every detector tells its state
and its battery; one after the other changes its state, and the time until the event is at a
subscriber is taken. The concentrator is no real make: its registers are made up. With --m77r there
are as many receivers of the shipped profile deying-m77r in their place: 26 characters a detector.
"""

import argparse
import asyncio
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from agent import paths
from agent.config.load import Configuration, load
from agent.contract import LinkLost
from agent.control.client import ask_once
from agent.simulate.stages import staged
from benchmarks._mosquitto import mosquitto
from benchmarks.footprint import cpu, rss

WIRES, UNITS, SPACES = 8, 5, 2300
COMMIT = 1.0  # s
CORE = 25.0  # % of one core, at most
PER_SECOND = 10.0  # changes
READY = 120.0  # s until every space has been heard of


def detectors() -> list[tuple[str, int]]:
    """(concentrator, number) of each space: 57 or 58 behind each."""
    behind = [SPACES // 40 + (n < SPACES % 40) for n in range(40)]
    return [(f"c{n}", d + 1) for n, count in enumerate(behind) for d in range(count)]


def profile() -> str:
    points: dict[str, Any] = {}
    for n in range(1, 59):
        words = {0: "vacant", 1: "occupied", 2: "fault"}
        state = {"type": "uint16", "unit": "1", "kind": "text", "enum": words}
        points[f"parking_state_{n}"] = {"table": "holding", "address": 2 * n - 2, **state}
        battery = {"type": "uint16", "unit": "%", "range": [0, 100]}
        points[f"battery_level_{n}"] = {"table": "holding", "address": 2 * n - 1, **battery}
    head = {"title": "t", "family": "other", "source": ["benchmark"], "confidence": "high"}
    return yaml.safe_dump({**head, "points": points})


def device(n: int, every: str, *, m77r: bool) -> dict[str, Any]:
    shared = {"id": f"c{n}", "wire": f"w{n % WIRES}", "every": every}
    number = n // WIRES + 1
    if not m77r:
        return {**shared, "driver": "modbus", "profile": "concentrator", "unit": number}
    receiver = {"driver": "serial_line", "profile": "deying-m77r", "address": number}
    behind = [d for c, d in detectors() if c == f"c{n}"]
    chosen = {"detectors": behind, "points": ["parking_state"], "check": "xor_swapped"}
    return {**shared, **receiver, **chosen}


def prepared(folder: Path, broker: int, every: str, *, m77r: bool) -> Path:
    """The configuration, and a share with the concentrator's profile beside all others."""
    configs = folder / "share" / "configs"
    (configs / "profiles").mkdir(parents=True)
    shipped = paths.share() / "configs"
    for name in ("units.yaml", "profiles/serial_line"):
        (configs / name).symlink_to(shipped / name)
    (configs / "profiles" / "modbus").mkdir()
    (configs / "profiles" / "modbus" / "concentrator.yaml").write_text(profile())
    os.environ["FIELDGATE_SHARE"] = str(folder / "share")
    config = {
        "gateway": {"id": "park"},
        "store": {"path": f"{folder}/store", "max_size": "500MB"},
        "control": {"socket": f"{folder}/control.sock"},
        "metrics": {"listen": None},
        "wires": {f"w{n}": {"port": f"{folder}/w{n}", "baud": 9600} for n in range(WIRES)},
        "devices": [device(n, every, m77r=m77r) for n in range(WIRES * UNITS)],
        "parking": {
            "spaces": {f"{c}-{d}": {"device": c, "detector": d} for c, d in detectors()}
        },
        "uplinks": [{"id": "cloud", "brokers": [f"mqtt://127.0.0.1:{broker}"]}],
    }  # fmt: skip
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file


async def simulate(file: Path, changes: int) -> None:
    """The concentrators. Once a line comes in, a change every now and then; a line out for each."""
    config: Configuration = load(file)
    async with staged(config) as stages:
        banks: dict[str, Any] = {}
        for stage in stages.values():
            banks |= stage._simulators[0].banks  # type: ignore[attr-defined]  # those of our drivers
        for concentrator, number in detectors():
            hold(banks[concentrator], number, "vacant")
        await asyncio.to_thread(sys.stdin.readline)
        luck = random.Random(4)
        for concentrator, number in luck.sample(detectors(), changes):
            await asyncio.sleep(luck.expovariate(PER_SECOND))
            hold(banks[concentrator], number, "occupied")
            print(json.dumps([f"{concentrator}-{number}", time.time()]), flush=True)
        await asyncio.sleep(3600)


def hold(bank: Any, detector: int, state: str) -> None:
    """Of drivers.serial_line, or of drivers.modbus."""
    if hasattr(bank, "lost"):
        bank.set("parking_state", state, str(detector))
        return
    bank.set(f"parking_state_{detector}", state)
    bank.set(f"battery_level_{detector}", 90)


class Subscriber:
    """When each space's event of being occupied arrived, unix s."""

    def __init__(self, port: int) -> None:
        self.arrived: dict[str, float] = {}
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "bench", protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda c, *_: c.subscribe(
            [("+/+/events", 1), ("+/+/backlog/events", 1)]
        )
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _client, _data, message: self._take(message.payload)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._ready.wait(10)

    def _take(self, payload: bytes | bytearray) -> None:
        now = time.time()
        for event in json.loads(payload):
            data = event.get("data") or {}
            if event["type"] == "fieldgate.parking.space" and data["state"] == "occupied":
                self.arrived.setdefault(event["subject"], now)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def program(*words: str, talk: bool = False) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE if talk else None
    with subprocess.Popen([sys.executable, *words], text=True, stdin=pipe, stdout=pipe) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def counts(folder: Path) -> Mapping[str, int]:
    try:
        found: Mapping[str, int] = ask_once(folder / "control.sock", {"do": "status"})["spaces"]
    except LinkLost:
        return {}  # not up yet
    return found


def totals(folder: Path) -> dict[str, int]:
    """Since the start: readings that went into the buffer, polls that failed, beats skipped."""
    board = ask_once(folder / "control.sock", {"do": "status"})
    devices = board["devices"].values()
    return {
        "taken": board["streams"]["telemetry"]["taken"],
        "failed": sum(device["failures"] for device in devices),
        "skipped": sum(device["skipped_beats"] for device in devices),
    }


def measure(changes: int, every: str, *, m77r: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, mosquitto(Path(name)) as port:
        folder = Path(name)
        file = prepared(folder, port, every, m77r=m77r)
        subscriber = Subscriber(port)
        words = ["--simulate", str(file), "--changes", str(changes)]
        simulated = program("-m", "benchmarks.parking_scale", *words, talk=True)
        with simulated as devices:
            time.sleep(2)
            with program("-m", "agent", "run", "--config", str(file)) as agent:
                began = time.monotonic()
                while counts(folder).get("vacant", 0) < SPACES:
                    if time.monotonic() - began > READY:
                        sys.exit(f"not all spaces are heard of: {counts(folder)}")
                    time.sleep(0.5)
                ready = time.monotonic() - began
                time.sleep(15)  # the start is over
                before, at = totals(folder), time.monotonic()
                found = watched(devices, agent.pid, subscriber, changes)
                passed = time.monotonic() - at
                after = totals(folder)
                found |= {name: after[name] - before[name] for name in after}
                return found | {"ready": ready, "rate": found["taken"] / passed}


def watched(
    devices: "subprocess.Popen[str]", agent: int, subscriber: Subscriber, changes: int
) -> dict[str, Any]:
    assert devices.stdin is not None
    assert devices.stdout is not None
    begin, used = time.monotonic(), cpu(agent)
    devices.stdin.write("go\n")
    devices.stdin.flush()
    made = dict(json.loads(devices.stdout.readline()) for _ in range(changes))
    spent, passed = cpu(agent) - used, time.monotonic() - begin
    end = time.monotonic() + 20
    while len(subscriber.arrived) < changes and time.monotonic() < end:
        time.sleep(0.2)
    subscriber.close()
    delays = sorted(subscriber.arrived[s] - at for s, at in made.items() if s in subscriber.arrived)
    return {
        "delays": delays,
        "lost": changes - len(delays),
        "cpu": spent / passed * 100,
        "rss": rss(agent),
        "seconds": passed,
    }


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--changes", type=int, default=600)
    words.add_argument("--every", default="2s", help="between two polls of a concentrator")
    words.add_argument("--m77r", action="store_true", help="Deying receivers in their place")
    words.add_argument("--simulate", type=Path, help="be the concentrators of this configuration")
    args = words.parse_args()
    if args.simulate:
        asyncio.run(simulate(args.simulate, args.changes))
        return
    found = measure(args.changes, args.every, m77r=args.m77r)
    delays = found["delays"]
    goal = float(args.every.removesuffix("s")) + COMMIT
    p99 = delays[math.ceil(len(delays) * 0.99) - 1]
    note = {
        "changes": args.changes, "seconds": round(found["seconds"]), "every": args.every,
        "median": round(delays[len(delays) // 2], 2), "worst": round(delays[-1], 2),
        "readings a second": round(found["rate"]), "start_s": round(found["ready"], 1),
        "rss_MB": round(found["rss"], 1), "polls failed": found["failed"],
        "beats skipped": found["skipped"], "slowest": [round(d, 2) for d in delays[-5:]],
    }  # fmt: skip
    rows = [
        ("s from change to broker, 99 %", p99, goal, p99 <= goal),
        ("% of a core", found["cpu"], CORE, found["cpu"] <= CORE),
        ("changes lost", found["lost"], 0, found["lost"] == 0),
    ]
    for what, value, limit, ok in rows:
        line = {"bench": f"parking at scale: {what}", "value": round(value, 2), "goal": limit}
        print(json.dumps({**line, "ok": ok, **note}), flush=True)


if __name__ == "__main__":
    main()
