"""What a whole gateway takes: 50 Modbus devices, 500 values/s, one uplink, metrics scraped.

Everything is real: the agent and the simulated devices are processes of their own, Modbus TCP and
MQTT travel over loopback. `--seconds 600` is the promised length; the default is shorter.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path

from agent.demo.broker import Broker
from agent.demo.cloud import Cloud
from agent.demo.scene import free_port

WIRES, UNITS = 10, 5
POINTS = (
    "voltage, current, power_active, power_apparent, power_reactive, power_factor, frequency, "
    "energy_import, energy_export, energy"
)
WARM_UP = 15.0  # s
SCRAPE_EVERY = 15.0  # s
TICKS = os.sysconf("SC_CLK_TCK")


def configuration(folder: Path, broker: int, metrics: int) -> Path:
    ports = [free_port() for _ in range(WIRES)]
    wires = "\n".join(f'  w{n}: {{connect: "127.0.0.1:{port}"}}' for n, port in enumerate(ports))
    devices = "\n".join(
        f"  - {{id: meter-{wire}-{unit}, driver: modbus, profile: eastron-sdm120, wire: w{wire},"
        f" unit: {unit + 1}, every: 1s, points: [{POINTS}]}}"
        for wire in range(WIRES)
        for unit in range(UNITS)
    )
    file = folder / "gateway.yaml"
    file.write_text(
        f"gateway: {{id: demo}}\n"
        f"store: {{path: {folder}/store, max_size: 500MB}}\n"
        f"control: {{socket: {folder}/control.sock}}\n"
        f'metrics: {{listen: "127.0.0.1:{metrics}"}}\n'
        f"wires:\n{wires}\ndevices:\n{devices}\n"
        f'uplinks:\n  - {{id: cloud, brokers: ["mqtt://127.0.0.1:{broker}"]}}\n'
    )
    return file


async def started(folder: Path, name: str, *words: str) -> asyncio.subprocess.Process:
    with (folder / f"{name}.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", name, *words, stdout=log, stderr=log
        )


async def stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        await process.wait()


def cpu(pid: int) -> float:
    """Seconds of CPU that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss(pid: int) -> float:
    """MB (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6


def scrape(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return len(answer.read())


async def measure(seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder, metrics = Path(name), free_port()
        async with AsyncExitStack() as closing:
            broker = Broker(folder)
            await broker.start()
            closing.push_async_callback(broker.kill)
            cloud = Cloud("127.0.0.1", broker.port, broker.mqtt)
            listening = asyncio.create_task(cloud.run())
            closing.callback(listening.cancel)
            await cloud.listening.wait()
            file = configuration(folder, broker.port, metrics)
            devices = await started(folder, "simulate", str(file))
            closing.push_async_callback(stop, devices)
            agent = await started(folder, "run", "--config", str(file))
            closing.push_async_callback(stop, agent)
            await asyncio.sleep(WARM_UP)
            return await watched(agent.pid, cloud, metrics, seconds)


async def watched(pid: int, cloud: Cloud, metrics: int, seconds: float) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    begin, used, had = loop.time(), cpu(pid), cloud.received
    while loop.time() - begin < seconds:
        await asyncio.to_thread(scrape, metrics)
        await asyncio.sleep(min(SCRAPE_EVERY, seconds))
    passed = loop.time() - begin
    return {
        "cpu": (cpu(pid) - used) / passed * 100,
        "rss": rss(pid),
        "rate": (cloud.received - had) / passed,
        "lost": cloud.missing,
        "seconds": passed,
    }


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=60.0)
    found = asyncio.run(measure(words.parse_args().seconds))
    note = {"seconds": round(found["seconds"]), "values a second": round(found["rate"])}
    rows = [
        ("% of a core", found["cpu"], 3.0, found["cpu"] < 3.0),
        ("RSS in MB", found["rss"], 50.0, found["rss"] <= 50.0),
        ("values a second at the cloud", found["rate"], 495, found["rate"] >= 495),
        ("lost", found["lost"], 0, found["lost"] == 0),
    ]
    for what, value, goal, ok in rows:
        line = {"bench": f"footprint: {what}", "value": round(value, 2), "goal": goal, "ok": ok}
        print(json.dumps(line | note), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
