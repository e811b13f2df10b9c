import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agent.demo.broker import Broker, find_mosquitto
from agent.demo.cloud import Cloud
from tests.support_survival import CONFIG, DEVICE, FULL, Agent, Site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    broker = Broker(tmp_path)
    await broker.start()
    cloud = Cloud("127.0.0.1", broker.port, "5")
    agents: list[Agent] = []

    def make(name: str) -> Agent:
        devices, every = (13, "50ms") if FULL else (5, "50ms")  # 520 and 200 values/s
        folder = tmp_path / name
        folder.mkdir()
        config = folder / "gateway.yaml"
        listed = "\n".join(DEVICE.format(n=n, every=every) for n in range(devices))
        config.write_text(
            CONFIG.format(folder=folder, devices=listed, port=broker.port, client=f"fg-{name}")
        )
        agents.append(Agent(folder, config))
        return agents[-1]

    async with AsyncExitStack() as closing:
        closing.push_async_callback(broker.kill)
        listening = asyncio.create_task(cloud.run())
        closing.callback(listening.cancel)
        await cloud.listening.wait()
        yield Site(tmp_path, broker, cloud, make)
        for agent in agents:
            if hasattr(agent, "process"):
                await agent.process.stop()


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20261125)
