"""One radio and one scan for all devices of an adapter, whatever becomes of either.

The hub looks for the adapter every 2 s while it is not there, keeps a scan running while it is, and
says once in the log when it goes and when it returns. Connections are made one at a time.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from bleak.backends.device import BLEDevice

from agent.contract import GatewayError, Value
from drivers.ble import scanning
from drivers.ble.bluez import Bluez
from drivers.ble.edge import TROUBLES, no_adapter, powered_off, radio_trouble, unheard
from drivers.ble.packet import Packet
from drivers.ble.watchdog import SILENCE, Action, Watchdog

log = logging.getLogger(__name__)

LOOK = 2.0  # s between two looks at the adapter
START = 15.0  # s that starting a scan may take
JITTER = 1.0  # s at most before a connection is made
FAST = 0.2  # s between two looks for a device that is awaited


class Listener(Protocol):
    """One device. `patterns` are of a passive scan; `quiet` in s."""

    address: str
    active: bool
    quiet: float

    def patterns(self) -> list[tuple[int, bytes]]: ...

    def heard(self, packet: Packet) -> None:
        """Called in the event loop; keeps nothing waiting."""

    def lost(self, error: Exception) -> None:
        """The radio is gone; what the device says from now on is not heard."""

    def happened(self, kind: str, data: Mapping[str, Value | None]) -> bool:
        """Something about the radio. False: this device cannot report it."""


class Hub:
    """Of one adapter in one event loop; lives while it has listeners."""

    def __init__(self, adapter: str) -> None:
        self.adapter = adapter
        self._listeners: dict[str, list[Listener]] = {}
        self._devices: dict[str, BLEDevice] = {}  # as heard last, for connections
        self._bluez = Bluez()
        self._task: asyncio.Task[None] | None = None
        self._known = asyncio.Event()  # how the radio is
        self._up = asyncio.Event()
        self._changed = asyncio.Event()  # who listens
        self._trouble: GatewayError | None = None
        self._switch = asyncio.Lock()  # who listens is changed by one at a time
        self._turn = asyncio.Lock()  # to connect
        self._busy = False  # a connection is being made or used
        self._watchdog = Watchdog(0.0)

    async def join(self, listener: Listener) -> None:
        """Raises LinkLost while the radio is not there, Misconfigured where it is forbidden."""
        async with self._switch:
            self._listeners.setdefault(listener.address, []).append(listener)
            self._changed.set()
            if self._task is None or self._task.done():
                self._known.clear()
                self._task = asyncio.create_task(self._run(), name=f"ble {self.adapter}")
        await self._known.wait()
        self.check()

    def check(self) -> None:
        """Raises what is wrong with the radio."""
        if self._trouble is not None:
            raise self._trouble.with_traceback(None)

    async def leave(self, listener: Listener) -> None:
        """Safe to call twice. The last one out switches the scan off."""
        async with self._switch:
            those = self._listeners.get(listener.address, [])
            if listener in those:
                those.remove(listener)
                self._changed.set()
            if not those:
                self._listeners.pop(listener.address, None)
                self._devices.pop(listener.address, None)
            if not self._listeners and self._task is not None:
                task, self._task = self._task, None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                self._known.clear()
                self._bluez.close()

    async def back(self, timeout: float) -> None:
        """Returns when the radio is there, or after so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._up.wait()

    @contextlib.asynccontextmanager
    async def turn(self, address: str, device: str) -> AsyncIterator[BLEDevice]:
        """The right to connect, with the device as it was heard last. Waits for both: put it under
        a timeout. Raises LinkLost when the radio is gone."""
        async with self._turn:
            await asyncio.sleep(random.uniform(0, JITTER))  # noqa: S311  to be out of step
            self._busy = True
            try:
                yield await self._heard_device(address, device)
            finally:
                self._busy = False

    async def _heard_device(self, address: str, device: str) -> BLEDevice:
        while address not in self._devices:
            self.check()
            if address not in self._listeners:
                raise unheard(device)
            await asyncio.sleep(FAST)
        return self._devices[address]

    async def _run(self) -> None:
        while True:
            try:
                await self._scan()
            except (*TROUBLES, GatewayError) as error:
                self._fell(radio_trouble(error, self.adapter))
            except Exception as error:  # a bug: every device's own, which counts it
                self._fell(error)
                raise
            await asyncio.sleep(LOOK)

    async def _scan(self) -> None:
        """Until the radio is gone, which raises, or who listens has changed."""
        name = await self._bluez.find(self.adapter)
        if not (await self._bluez.look(name)).powered:
            await self._bluez.power(name, on=True)
            if not (await self._bluez.look(name)).powered:
                raise powered_off(self.adapter)
        while True:
            self._changed.clear()
            scan = scanning.scanner(name, self._wanted, self._hear, self._patterns())
            async with asyncio.timeout(START):
                await scan.start()
            try:
                self._rose()
                action = await self._watch(name)
            finally:
                await scanning.stop(scan)
            if action is Action.POWER_CYCLE:
                await self._bluez.power_cycle(name)

    async def _watch(self, name: str) -> Action:
        """Returns when a scan is to be started anew, and what else is to be done."""
        mode = self._patterns()
        while self._patterns() == mode:
            await self._pause()
            state = await self._bluez.look(name)
            if not state.powered:
                raise powered_off(self.adapter)
            if self._busy:
                continue
            scanning_now = state.scanning or bool(mode)
            action = self._watchdog.look(self._now(), scanning=scanning_now)
            if action is not Action.NONE:
                self._tell(action)
            if action in {Action.RESTART, Action.POWER_CYCLE}:
                return action
        return Action.NONE

    def _tell(self, action: Action) -> None:
        silent = round(self._watchdog.silent_for(self._now()))
        if action is Action.REPORT:
            log.error(
                "%s: no advertisement for %d s, and neither a new scan nor its power helped; "
                "replug it or move its antenna", self.adapter, silent,
            )  # fmt: skip
            self._report("ble.adapter_silent", {"adapter": self.adapter, "seconds": silent})
        else:
            log.info("%s: no advertisement for %d s: %s", self.adapter, silent, action.value)

    async def _pause(self) -> None:
        """Until the next look, or until who listens has changed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                await self._changed.wait()
        self._changed.clear()

    def _rose(self) -> None:
        if self._trouble is not None:
            log.info("%s: the radio is back", self.adapter)
        quiet = min((one.quiet for one in self._all()), default=SILENCE)
        if self._trouble is not None or not self._known.is_set():
            self._watchdog = Watchdog(self._now())
        self._watchdog.silence = max(SILENCE, quiet / 3)
        self._trouble = None
        self._known.set()
        self._up.set()

    def _fell(self, error: Exception) -> None:
        fresh = self._trouble is None
        trouble = error if isinstance(error, GatewayError) else no_adapter(self.adapter)
        self._trouble = trouble
        self._known.set()
        self._up.clear()
        self._devices.clear()
        if not fresh:
            return
        log.warning("%s: %s; looking for it every %g s", self.adapter, trouble, LOOK)
        for listener in self._all():
            listener.lost(error)

    def _wanted(self, address: str) -> bool:
        """Asked for every advertisement there is: the sign of life of the scan."""
        if self._watchdog.heard(self._now()):
            log.info("%s: hears again", self.adapter)
            self._report("ble.adapter_back", {"adapter": self.adapter})
        return address in self._listeners

    def _hear(self, device: BLEDevice, packet: Packet) -> None:
        self._devices[packet.address] = device
        for listener in self._listeners.get(packet.address, ()):
            listener.heard(packet)

    def _patterns(self) -> list[tuple[int, bytes]]:
        """Of a passive scan; none where any device wants an active one."""
        if any(one.active for one in self._all()):
            return []
        return sorted({pattern for one in self._all() for pattern in one.patterns()})

    def _report(self, kind: str, data: Mapping[str, Value | None]) -> None:
        for listener in self._all():
            if listener.happened(kind, data):
                return

    def _all(self) -> list[Listener]:
        return [listener for those in self._listeners.values() for listener in those]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


_hubs: WeakKeyDictionary[Any, dict[str, Hub]] = WeakKeyDictionary()


def hub_for(adapter: str) -> Hub:
    """The one of the running event loop."""
    hubs = _hubs.setdefault(asyncio.get_running_loop(), {})
    return hubs.setdefault(adapter, Hub(adapter))
