"""A site for the tests of survival: the real agent as a process, a real mosquitto, a cloud."""

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.demo.agent_process import AgentProcess
from agent.demo.broker import Broker
from agent.demo.cloud import Cloud
from agent.demo.reckoning import heads, stored

FULL = os.environ.get("FIELDGATE_PROOF") == "full"  # `make proof`: the whole, long version

CONFIG = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 200MB, commit: {{every: 200ms, records: 200}}}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
devices:
{devices}
uplinks:
  - {{id: cloud, brokers: ["mqtt://127.0.0.1:{port}"], client_id: {client}, live_period: 100ms,
     publish_deadline: 5s, keepalive: 5s}}
"""
DEVICE = (
    "  - {{id: counter-{n}, driver: simulated, every: {every}, points: {{\n"
    "     value: {{shape: count, unit: '1'}}, wave: {{shape: sine, unit: Cel}}}}}}"
)


@dataclass
class Agent:
    """One agent with its own folder; `process` is replaced at every start."""

    folder: Path
    config: Path
    process: AgentProcess = field(init=False)

    async def start(self) -> None:
        self.process = AgentProcess(self.folder, self.config)
        await self.process.start()

    async def ready(self) -> None:
        """Once it answers on its control socket."""
        while await self.process.ask({"do": "status"}) is None:
            self.process.check()
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        await self.process.kill()

    def store_into(self, other: "Agent") -> None:
        """Copies the store, as somebody does who clones or restores a card."""
        shutil.rmtree(other.folder / "store", ignore_errors=True)
        shutil.copytree(self.folder / "store", other.folder / "store")


@dataclass
class Site:
    folder: Path
    broker: Broker
    cloud: Cloud
    make: Callable[[str], Agent]

    async def settle(self, *agents: Agent, within: float = 60.0) -> None:
        """Until the cloud has all that the stores of these running agents hold."""
        async with asyncio.timeout(within):
            while True:
                await asyncio.sleep(0.5)
                for agent in agents:
                    self.expect(agent)
                missing = self.cloud.receiver.missing("demo")
                if not missing:
                    return
                for (epoch, stream), ranges in missing.items():
                    for agent in agents:
                        await agent.process.ask(
                            {"do": "owe", "uplink": "cloud", "epoch": epoch, "stream": stream,
                             "ranges": str(ranges)}
                        )  # fmt: skip
                await asyncio.sleep(1.5)

    def expect(self, agent: Agent) -> None:
        for (epoch, stream), head in heads(stored(agent.folder / "store")).items():
            self.cloud.receiver.expect("demo", epoch, stream, head)

    def verdict(self) -> dict[str, int]:
        report = self.cloud.receiver.report()
        return {key: report[key] for key in ("lost", "conflicts", "disorder")}
