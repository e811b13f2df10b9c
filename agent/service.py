"""The whole gateway on one page: builds every stage, joins them, starts them.

    driver -> collect -> upkeep -> parking -> buffer -> uplink -> broker

Each wire with its devices is a part, and so is each uplink; a reload replaces the parts whose
settings changed and leaves the others alone.
"""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from agent import __version__
from agent.buffer import Buffer, Limits, open_buffer
from agent.clock import Clock
from agent.collect import Member, Scheduler, listen
from agent.config.load import Configuration, load
from agent.config.schema import UplinkSettings
from agent.contract import (
    Device,
    Event,
    LinkLost,
    Misconfigured,
    PolledDriver,
    Raw,
    Replaceable,
    Shows,
    StreamingDriver,
    Value,
)
from agent.control.server import Rules, serve
from agent.desk import NEEDS_WRITE, Desk
from agent.host import DeviceHost
from agent.led import show
from agent.memory import trim
from agent.parking import Parking
from agent.plan import (
    Station,
    catalogue,
    check_device,
    gateway_info,
    maintained,
    make_driver,
    places,
    state_folder,
    stated,
    stations,
)
from agent.status import Board
from agent.supervise.notify import feed_watchdog, notify, reloading, watchdog_period
from agent.supervise.parts import Part, Parts
from agent.upkeep import Upkeep
from agent.uplink.uplink import Uplink
from agent.web.metrics import serve_metrics
from agent.wires import Wires

log = logging.getLogger(__name__)

SETTLED = 10.0  # s after which the start is over
REMEMBER_EVERY = 60.0  # s between writes of what drivers remember
STOP_COLLECTING, DRAIN, STOP_SENDING = 1.0, 1.5, 1.5  # s; systemd waits 5


class Gateway:
    """One configuration after the other, on one buffer and one board."""

    def __init__(self, config: Configuration, buffer: Buffer, board: Board, clock: Clock) -> None:
        self.config, self.buffer, self.board, self.clock = config, buffer, board, clock
        self.info = gateway_info(config.settings)
        folder = config.settings.store.path
        self.parking = Parking(buffer, clock, board, folder / "parking")
        self.parking.arrange(places(config, clock))
        self.upkeep = Upkeep(self.parking, clock, board, folder / "upkeep.json")
        self.catalogue = catalogue(config, clock, self.upkeep.serial)
        self.schedulers: dict[str, Scheduler] = {}  # device id -> who asks it
        self.wires: dict[str, Wires] = {}  # name of a wire -> who has it
        self._drivers: dict[str, PolledDriver | StreamingDriver] = {}

    def parts(self) -> list[Part]:
        collecting = [Part(s.name, s, partial(self._collect, s)) for s in stations(self.config)]
        sending = [
            Part(f"uplink {s.id}", s, partial(self._send, s)) for s in self.config.settings.uplinks
        ]
        spaces = self.config.settings.parking.spaces
        parking = [Part("parking", None, self.parking.run)] if spaces else []
        return [*collecting, *parking, *sending]

    def change(self, config: Configuration) -> None:
        """Takes a new configuration; `parts` then differ by what changed."""
        self.catalogue = catalogue(config, self.clock, self.upkeep.serial)
        self.parking.arrange(places(config, self.clock))
        self.config = config
        devices = {device.id for device in config.devices}
        for known in (self.board.devices, self.schedulers, self._drivers):
            for name in known.keys() - devices:
                del known[name]
        for name in self.board.wires.keys() - config.settings.wires.keys():
            del self.board.wires[name]
        for name in self.board.uplinks.keys() - set(self.outboxes):
            del self.board.uplinks[name]

    @property
    def outboxes(self) -> Sequence[str]:
        return [uplink.id for uplink in self.config.settings.uplinks]

    def raw(self, device: str) -> Mapping[str, str]:
        driver = self._drivers.get(device)
        return driver.raw() if isinstance(driver, Raw) else {}

    def counters(self, device: str) -> Collection[str]:
        driver = self._drivers.get(device)
        return [p.id for p in driver.points if p.kind == "counter"] if driver else []

    async def show(self, device: str) -> bytes:
        driver: object = self._drivers.get(device)
        if not isinstance(driver, Shows):
            raise Misconfigured(
                "{device} is no camera",
                hint="name a device with `driver: camera`",
                device=device,
            )
        return await driver.snapshot()

    def forget(self, device: str) -> None:
        """Another piece of hardware does its work, as the catalogue is to say."""
        driver: object = self._drivers.get(device)
        if isinstance(driver, Replaceable):
            driver.replaced()
        self.catalogue = catalogue(self.config, self.clock, self.upkeep.serial)

    async def _send(self, settings: UplinkSettings) -> None:
        """What one uplink owes, until cancelled."""
        outbox = self.buffer.outbox(settings.id)
        uplink = Uplink(
            settings,
            self.info,
            outbox,
            self.board,
            self.clock,
            describe=lambda: self.catalogue,
            manifest=self.buffer.manifest,
            picture=self.buffer.picture,
        )
        await uplink.run()

    async def _collect(self, station: Station) -> None:
        """The devices of one wire, until cancelled."""
        async with AsyncExitStack() as opened, asyncio.TaskGroup() as tasks:
            specs = [station.wire] if station.wire else []
            wires = await opened.enter_async_context(Wires(specs, self.board))
            if station.wire:
                self.wires[station.wire.name] = wires
                opened.callback(self.wires.pop, station.wire.name, None)
            hosts = [self._host(device, station, wires) for device in station.devices]
            for host in hosts:
                opened.callback(host.close)
            tasks.create_task(_remember(hosts))
            polled: list[Member] = []
            for device, driver in self._made(station, hosts):
                if isinstance(driver, PolledDriver):
                    polled.append(Member(device, driver))
                else:
                    tasks.create_task(listen(device, driver, self.upkeep, self.clock, self.board))
            scheduler = Scheduler(station.name, polled, self.upkeep, self.clock, self.board)
            self.schedulers.update({member.device.id: scheduler for member in polled})
            tasks.create_task(scheduler.run())

    def _host(self, device: Device, station: Station, wires: Wires) -> DeviceHost:
        wire = wires.wire(station.wire.name) if station.wire else None
        return DeviceHost(device, self.clock, wire, state_folder(self.config.settings))

    def _made(
        self, station: Station, hosts: Sequence[DeviceHost]
    ) -> Iterator[tuple[Device, PolledDriver | StreamingDriver]]:
        """Each device's driver; a device whose files broke since `check` is parked alone."""
        for device, host in zip(station.devices, hosts, strict=True):
            try:
                driver = self._drivers[device.id] = make_driver(device, host)
            except Misconfigured as error:
                log.error("%s: parked: %s; %s", device.id, error, error.hint)
                status = self.board.device(device.id)
                status.state, status.error, status.hint = "parked", str(error), error.hint
            else:
                self.upkeep.watch(device.id, driver.points)
                yield device, driver


async def _remember(hosts: Sequence[DeviceHost]) -> None:
    """Saves what drivers remember, off the event loop."""
    while True:
        await asyncio.sleep(REMEMBER_EVERY)
        for host in hosts:
            await asyncio.to_thread(host.state.save)


async def main(file: Path) -> int:
    """The service, until SIGTERM or SIGINT; SIGHUP reads the configuration again.

    Raises Misconfigured when it is not sound: no half a gateway starts.
    """
    clock = Clock()
    config = load(file, partial(check_device, clock=clock, state=stated(file)))
    stop, reload = _signals()
    async with _gateway(config, clock) as gateway:
        await _serve(gateway, file, stop, reload)
    return 0


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    return stop, reload


@asynccontextmanager
async def _gateway(config: Configuration, clock: Clock) -> AsyncIterator[Gateway]:
    """With its buffer open, its desk and its metrics served."""
    settings = config.settings
    board = Board(gateway_info(settings).id, __version__, time.time())
    async with AsyncExitStack() as opened:
        buffer = await opened.enter_async_context(
            open_buffer(
                settings.store.path,
                Limits.of(settings.store),
                [uplink.id for uplink in settings.uplinks],
                clock,
                board,
            )
        )
        gateway = Gateway(config, buffer, board, clock)
        desk = Desk(gateway)
        rules = Rules(needs_write=NEEDS_WRITE)
        await opened.enter_async_context(serve(settings.control.socket, desk.handlers(), rules))
        if settings.metrics.listen is not None:
            await opened.enter_async_context(serve_metrics(settings.metrics.listen, board))
        yield gateway


async def _serve(gateway: Gateway, file: Path, stop: asyncio.Event, reload: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        parts = Parts(tasks)
        await _tell(gateway, "gateway.started")
        await gateway.upkeep.configured(maintained(gateway.config))
        await parts.apply(gateway.parts())
        beside = [
            tasks.create_task(task)
            for task in (
                _watch_clock(gateway),
                _settle_down(),
                gateway.upkeep.run(),
                show(gateway.board, gateway.config.settings.led),
            )
        ]
        if period := watchdog_period():
            ages = {"buffer": gateway.buffer.silence}
            beside.append(tasks.create_task(feed_watchdog(period, ages)))
        notify(READY="1", STATUS=f"{len(gateway.config.devices)} devices")
        log.info("%s: %d devices, ready", gateway.info.id, len(gateway.config.devices))
        await _until_stopped(gateway, parts, file, stop, reload)
        notify(STOPPING="1")
        for task in beside:
            task.cancel()
        await parts.stop(_not_sending(parts.names), STOP_COLLECTING)
        await _tell(gateway, "gateway.stopped")
        await _drain(gateway)
        await parts.stop(within=STOP_SENDING)
    log.info("%s: stopped", gateway.info.id)


async def _until_stopped(
    gateway: Gateway, parts: Parts, file: Path, stop: asyncio.Event, reload: asyncio.Event
) -> None:
    waiting = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(reload.wait())}
    try:
        while not stop.is_set():
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if reload.is_set():
                reload.clear()
                waiting = {w for w in waiting if not w.done()}
                waiting.add(asyncio.ensure_future(reload.wait()))
                await _reload(gateway, parts, file)
    finally:
        for task in waiting:
            task.cancel()


async def _reload(gateway: Gateway, parts: Parts, file: Path) -> None:
    """An unsound configuration changes nothing."""
    reloading()
    try:
        config = load(file, partial(check_device, clock=gateway.clock, state=stated(file)))
        for name in ("gateway", "store", "control", "metrics"):
            if getattr(config.settings, name) != getattr(gateway.config.settings, name):
                log.warning("`%s:` was changed; that takes effect at the next start", name)
        gateway.change(config)
    except Misconfigured as error:
        log.error("configuration refused, the old one stays:\n%s\n%s", error, error.hint)
    else:
        await gateway.upkeep.configured(maintained(config))
        touched = await parts.apply(gateway.parts())
        log.info("configuration read again; touched: %s", ", ".join(touched) or "nothing")
        await _tell(gateway, "gateway.reloaded")
    notify(READY="1", STATUS=f"{len(gateway.config.devices)} devices")


def _not_sending(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("uplink ")]


async def _tell(gateway: Gateway, kind: str) -> None:
    data: dict[str, Value | None] = {
        "version": __version__,
        "devices": len(gateway.config.devices),
    }
    event = Event(kind, gateway.info.id, gateway.clock.now(), data)
    await gateway.buffer.put([event])
    try:
        await gateway.buffer.flush()
    except LinkLost as error:
        log.warning("%s is not on disk yet: %s; trying on", kind, error)


async def _drain(gateway: Gateway) -> None:
    """A little time for connected uplinks to send the last records; what is left is on disk."""
    names = [n for n in gateway.outboxes if gateway.board.uplink(n).state == "connected"]
    end = time.monotonic() + DRAIN
    while time.monotonic() < end:
        if not any(law.owed for n in names for law in gateway.buffer.law(n).values()):
            return
        await asyncio.sleep(0.05)


async def _settle_down() -> None:
    await asyncio.sleep(SETTLED)
    trim()


async def _watch_clock(gateway: Gateway) -> None:
    while True:
        gateway.board.clock_trusted = gateway.clock.now().trusted
        await asyncio.sleep(5.0)
