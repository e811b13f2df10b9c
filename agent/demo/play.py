"""The demo's play: a site, a cloud, a pulled cable, a killed broker, and the count at the end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.config.load import Configuration, load
from agent.demo.agent_process import AgentProcess
from agent.demo.broker import Broker
from agent.demo.cloud import Cloud
from agent.demo.gate_camera import GateCamera, can_see
from agent.demo.proxy import Gate
from agent.demo.reckoning import Reckoning, reckon
from agent.demo.scene import CABLE, CAMERA, GATEWAY, UPLINK, write_scene
from agent.demo.show import Picture, Screen
from agent.demo.sightings import told
from agent.i18n import say
from agent.simulate.stages import Stage, staged

_ROUND = 60.0  # s of one round of mishaps, when no end is set
_DRAW_EVERY = 0.5
_HEALS_WITHIN = 20.0
_LIT_WITHIN = 20.0
# Shares of a round at which things happen.
_PULLED, _PLUGGED, _KILLED, _BACK = 0.2, 0.33, 0.5, 0.62


@dataclass(slots=True)
class Play:
    """Everything of one performance. `broker` is None when it is somebody else's."""

    config: Configuration
    stages: dict[str, Stage]
    broker: Broker | None
    gate: Gate
    cloud: Cloud
    agent: AgentProcess
    seconds: float | None
    screen: Screen = field(default_factory=Screen)
    started: float = field(default_factory=time.monotonic)

    async def perform(self) -> Reckoning:
        """Until the time is over or somebody interrupts; then settles and counts."""
        drawing = asyncio.create_task(self._draw())
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._mishaps()
            await self._heal()
            await self.agent.stop()
            await asyncio.sleep(0.5)
        finally:
            drawing.cancel()
        self.screen.draw(self._picture())
        store = self.config.settings.store.path
        return await asyncio.to_thread(reckon, store, self.cloud, camera=self._sees)

    async def _first_light(self) -> None:
        """The clock of the play runs once every device has been heard of."""
        end = time.monotonic() + _LIT_WITHIN
        devices = {device.id for device in self.config.devices}
        while devices - self.cloud.newest.keys() and time.monotonic() < end:
            self.agent.check()
            await asyncio.sleep(0.1)
        self.started = time.monotonic()

    async def _mishaps(self) -> None:
        await self._first_light()
        length = self.seconds or _ROUND
        rounds = 1 if self.seconds else 10**6
        for number in range(rounds):
            begin = self.started + number * length
            await self._until(begin + _PULLED * length)
            await self._pull_cable()
            await self._until(begin + _PLUGGED * length)
            await self._plug_cable()
            await self._until(begin + _KILLED * length)
            await self._kill_broker()
            await self._until(begin + _BACK * length)
            await self._restart_broker()
            await self._until(begin + length)

    async def _until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - time.monotonic()))

    async def _pull_cable(self) -> None:
        self.screen.note(say("the cable of {wire} is pulled", wire=CABLE))
        await self.stages[CABLE].unplug()

    async def _plug_cable(self) -> None:
        await self.stages[CABLE].plug()
        self.screen.note(say("the cable of {wire} is back", wire=CABLE))

    async def _kill_broker(self) -> None:
        self.gate.close()
        if self.broker is None:
            self.screen.note(say("the line to the broker is cut"))
            return
        self.screen.note(say("the broker is killed"))
        await self.broker.kill()

    async def _restart_broker(self) -> None:
        if self.broker is not None:
            await self.broker.start()
        await self.cloud.listening.wait()
        self.gate.open()
        self.screen.note(say("the broker is back, and the cloud listens"))

    async def _heal(self) -> None:
        """Waits until the agent is connected, and for what is on its way; asks again for what a
        broker without memory forgot."""
        end = time.monotonic() + _HEALS_WITHIN
        asked = 0
        while time.monotonic() < end:
            self.agent.check()
            await asyncio.sleep(1.5)
            missing = self.cloud.receiver.missing(GATEWAY)
            if not missing and self.cloud.rate:
                break
            for (epoch, stream), ranges in missing.items():
                await self.agent.ask(
                    {"do": "owe", "uplink": UPLINK, "epoch": epoch, "stream": stream,
                     "ranges": str(ranges)}
                )  # fmt: skip
                asked += len(ranges)
        if asked:
            self.screen.note(
                say("{count} records that the broker forgot were asked for again", count=asked)
            )

    async def _draw(self) -> None:
        while True:
            self.agent.check()
            while self.cloud.events:
                if line := told(self.cloud.events.popleft()):
                    self.screen.note(line)
            self.screen.draw(self._picture())
            await asyncio.sleep(_DRAW_EVERY)

    @property
    def _sees(self) -> bool:
        return any(device.id == CAMERA for device in self.config.devices)

    def _picture(self) -> Picture:
        cloud = self.cloud
        passed = time.monotonic() - self.started
        kind = self.broker.kind if self.broker else say("your broker")
        return Picture(
            title=say(
                "fieldgate demo: {devices} devices on {wires} wires, {broker}",
                devices=len(self.config.devices),
                wires=len(self.stages),
                broker=kind,
            ),
            left=f"{passed:.0f} s" + (f" / {self.seconds:.0f} s" if self.seconds else ""),
            devices={device.id: cloud.newest.get(device.id, {}) for device in self.config.devices},
            names={device.id: device.name for device in self.config.devices},
            received=cloud.received,
            rate=cloud.rate,
            missing=cloud.missing,
            delay=cloud.delay,
        )


@asynccontextmanager
async def set_up(
    folder: Path, seconds: float | None, foreign: tuple[str, int] | None
) -> AsyncIterator[Play]:
    """The whole site; `foreign` is the (host, port) of a broker that is not the demo's own."""
    async with AsyncExitStack() as opened:
        broker = None if foreign else Broker(folder)
        if broker is not None:
            await broker.start()
            opened.push_async_callback(broker.kill)
        host, port = foreign or ("127.0.0.1", broker.port if broker else 0)
        gate = Gate(lambda: (host, port))
        await gate.start()
        opened.push_async_callback(gate.stop)
        mqtt = broker.mqtt if broker else "5"
        camera = GateCamera()
        opened.push_async_callback(camera.stop)
        source = await camera.start() if can_see() else None
        file = write_scene(folder, f"127.0.0.1:{gate.port}", mqtt, source)
        config = load(file)
        stages = await opened.enter_async_context(staged(config))
        cloud = Cloud(host, port, mqtt)
        listening = asyncio.create_task(cloud.run())
        opened.callback(listening.cancel)
        agent = AgentProcess(folder, file)
        await agent.start()
        opened.push_async_callback(agent.stop)
        play = Play(config, stages, broker, gate, cloud, agent, seconds)
        if source is None:
            play.screen.note(_no_camera())
        await cloud.listening.wait()
        gate.open()
        yield play


def _no_camera() -> str:
    if can_see():
        return say("the demo's camera does not start here; the rest plays without it")
    return say("no camera: the vision packages are not installed; next: make demo VISION=1")
