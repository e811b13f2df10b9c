"""What the running service answers on its control socket."""

import asyncio
from base64 import b64encode
from collections import deque
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from agent.buffer import Buffer
from agent.buffer.observing import Sent, Stored
from agent.collect import Scheduler
from agent.contract import STREAMS, Misconfigured, Ranges, Reading
from agent.control.answers import line
from agent.control.peer import Peer
from agent.control.server import Handler
from agent.parking import Parking
from agent.status import Board
from agent.upkeep import Upkeep
from agent.wires.lending import Exchange, exchange
from agent.wires.wires import Wires

NEEDS_WRITE = frozenset({"owe", "exchange", "maintain", "replace", "calibrate", "snapshot"})

Answers = AsyncGenerator[Mapping[str, Any], None]
LONGEST_WORK = 7 * 86400.0  # s
_LIVE_KEPT, _LIVE_EVERY = 5000, 0.5  # readings, s
_TRACE_KEPT = 1000  # lines that a slow listener may fall behind


class Running(Protocol):
    """What the desk looks at; a reload changes it."""

    board: Board
    buffer: Buffer
    parking: Parking
    schedulers: dict[str, Scheduler]
    wires: dict[str, Wires]  # name of a wire -> who has it
    upkeep: Upkeep

    @property
    def outboxes(self) -> Sequence[str]:
        """The names of the uplinks."""

    def raw(self, device: str) -> Mapping[str, str]:
        """What was on the wire at the last read, by point."""

    def counters(self, device: str) -> Collection[str]:
        """The points that count."""

    async def show(self, device: str) -> bytes:
        """What it sees now, as JPEG. Raises LinkLost, and Misconfigured when it sees nothing."""

    def forget(self, device: str) -> None:
        """What its driver knows of the piece of hardware that did the device's work."""


class Desk:
    def __init__(self, running: Running) -> None:
        self._running = running

    def handlers(self) -> dict[str, Handler]:
        return {
            "status": self.status,
            "read": self.read,
            "trace": self.trace,
            "live": self.live,
            "spaces": self.spaces,
            "calibrate": self.calibrate,
            "owe": self.owe,
            "wires": self.wires,
            "exchange": self.exchange,
            "overhear": self.overhear,
            "maintain": self.maintain,
            "replace": self.replace,
            "snapshot": self.snapshot,
        }

    async def status(self, _request: Mapping[str, Any], _peer: Peer) -> Answers:
        yield self._running.board.snapshot()

    async def read(self, request: Mapping[str, Any], _peer: Peer) -> Answers:
        device = str(request.get("device"))
        readings = await self._scheduler(device).read_now(device)
        yield {
            "readings": [line(reading) for reading in self._running.upkeep.shown(readings)],
            "raw": dict(self._running.raw(device)),
        }

    async def trace(self, request: Mapping[str, Any], _peer: Peer) -> Answers:
        """A line per stage for each reading of one device, until the listener goes."""
        device = str(request.get("device"))
        scheduler = self._scheduler(device)
        trail = _Trail(device)
        scheduler.observers.add(trail.read)
        self._running.buffer.observers.add(trail.follow)
        try:
            while True:
                yield await trail.lines.get()
        finally:
            scheduler.observers.discard(trail.read)
            self._running.buffer.observers.discard(trail.follow)

    async def live(self, _request: Mapping[str, Any], _peer: Peer) -> Answers:
        """Every reading of every device as it is stored, an answer each half second, until the
        listener goes."""
        news: deque[Reading] = deque(maxlen=_LIVE_KEPT)

        def follow(step: Stored | Sent) -> None:
            if isinstance(step, Stored):
                news.append(step.reading)

        self._running.buffer.observers.add(follow)
        try:
            while True:
                await asyncio.sleep(_LIVE_EVERY)
                said = [line(reading) for reading in news]
                news.clear()
                yield {"readings": said}
        finally:
            self._running.buffer.observers.discard(follow)

    async def spaces(self, _request: Mapping[str, Any], _peer: Peer) -> Answers:
        """What is known of each parking space now."""
        yield {"spaces": self._running.parking.spaces()}

    async def calibrate(self, request: Mapping[str, Any], _peer: Peer) -> Answers:
        """A space with a raw magnetometer is empty now."""
        space = str(request.get("space"))
        self._running.parking.calibrate(space)
        yield {"space": space}

    async def owe(self, request: Mapping[str, Any], _peer: Peer) -> Answers:
        """Replay: a range is owed to an uplink again."""
        uplink, stream = str(request.get("uplink")), str(request.get("stream"))
        if uplink not in self._running.outboxes:
            raise Misconfigured(
                "no uplink is called '{name}'",
                hint="the uplinks are: {known}",
                name=uplink,
                known=", ".join(self._running.outboxes),
            )
        if stream not in STREAMS:
            raise Misconfigured(
                "no stream is called '{name}'",
                hint="the streams are: {known}",
                name=stream,
                known=", ".join(STREAMS),
            )
        try:
            ranges = Ranges.parse(str(request.get("ranges")))
        except ValueError as error:
            raise Misconfigured(
                "'{ranges}' is no range of numbers",
                hint="write it like 1-500 or 7,9-12",
                ranges=request.get("ranges"),
            ) from error
        await self._running.buffer.outbox(uplink).owe(str(request.get("epoch")), stream, ranges)
        yield {"owed": len(ranges)}

    async def wires(self, _request: Mapping[str, Any], _peer: Peer) -> Answers:
        """The wires that the service has, so that nobody else opens them."""
        specs = [wires.spec(name) for name, wires in self._running.wires.items()]
        yield {
            "wires": [
                {
                    "name": s.name,
                    "port": s.port,
                    "host": s.host,
                    "tcp_port": s.tcp_port,
                    "line": asdict(s.line),
                }
                for s in specs
            ]
        }

    async def exchange(self, request: Mapping[str, Any], _peer: Peer) -> Answers:
        """One request on a wire, between the polls, and what was heard then."""
        name = str(request.get("wire"))
        wires = self._wires(name)
        yield {"heard": (await exchange(wires, name, Exchange.of(request))).hex()}

    async def overhear(self, request: Mapping[str, Any], _peer: Peer) -> Answers:
        """All that is heard on a wire, at least one line a second, until the listener goes."""
        name = str(request.get("wire"))
        async with self._wires(name).wire(name).overhear() as ear:
            while True:
                yield {"heard": (await ear.hear(1.0)).hex()}

    async def maintain(self, request: Mapping[str, Any], peer: Peer) -> Answers:
        """Somebody works on a device for so many seconds; 0 ends it."""
        device, seconds = self._device(request), request.get("seconds")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_WORK:
            raise Misconfigured(
                "maintenance lasts up to {days} days", hint="write it like 30m", days=7
            )
        await self._running.upkeep.maintain(device, seconds, peer.name)
        yield {"device": device, "until": self._running.board.device(device).maintenance}

    async def replace(self, request: Mapping[str, Any], peer: Peer) -> Answers:
        """Another piece of hardware does a device's work from now on."""
        device, totals = self._device(request), request.get("totals")
        numbers = {str(k): float(v) for k, v in totals.items()} if isinstance(totals, dict) else {}
        known = self._running.counters(device)
        for point in numbers.keys() - set(known):
            raise Misconfigured(
                "{device} has no counter '{point}'",
                hint="its counters are: {known}",
                device=device,
                point=point,
                known=", ".join(sorted(known)) or "-",
            )
        serial = str(request.get("serial", ""))
        going_on = await self._running.upkeep.replaced(device, serial, numbers, peer.name)
        self._running.forget(device)
        yield {"device": device, "serial": serial, "totals": dict(going_on)}

    async def snapshot(self, request: Mapping[str, Any], _peer: Peer) -> Answers:
        """What a camera sees now. Pictures are personal data: not for whoever may only read."""
        device = self._device(request)
        yield {"device": device, "jpeg": b64encode(await self._running.show(device)).decode()}

    def _device(self, request: Mapping[str, Any]) -> str:
        device = str(request.get("device"))
        if device not in self._running.board.devices:
            raise Misconfigured(
                "no device is called '{name}'",
                hint="the devices are: {known}",
                name=device,
                known=", ".join(sorted(self._running.board.devices)),
            )
        return device

    def _wires(self, name: str) -> Wires:
        if name not in self._running.wires:
            raise Misconfigured(
                "the service has no wire '{name}'",
                hint="the wires are: {known}",
                name=name,
                known=", ".join(sorted(self._running.wires)),
            )
        return self._running.wires[name]

    def _scheduler(self, device: str) -> Scheduler:
        if device not in self._running.schedulers:
            raise Misconfigured(
                "no device is called '{name}'",
                hint="the devices are: {known}",
                name=device,
                known=", ".join(sorted(self._running.schedulers)),
            )
        return self._running.schedulers[device]


class _Trail:
    """What becomes of one device's readings, as lines for whoever asked."""

    def __init__(self, device: str) -> None:
        self.lines: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(_TRACE_KEPT)
        self._device = device
        self._stored: dict[tuple[str, int], dict[str, Any]] = {}

    def read(self, stage: str, device: str, readings: Sequence[Reading]) -> None:
        for reading in readings if device == self._device else ():
            self._show({"stage": stage, **line(reading)})

    def follow(self, step: Stored | Sent) -> None:
        if isinstance(step, Sent):
            self._sent(step)
        elif step.reading.device == self._device:
            said = line(step.reading) | {"epoch": step.epoch, "seq": step.seq}
            self._stored[step.epoch, step.seq] = said
            self._show({"stage": "stored", **said})
            if len(self._stored) > _TRACE_KEPT:
                del self._stored[next(iter(self._stored))]

    def _sent(self, step: Sent) -> None:
        for (epoch, seq), said in self._stored.items():
            if epoch == step.epoch and seq in step.numbers:
                self._show({"stage": "sent", "uplink": step.uplink, **said})

    def _show(self, said: Mapping[str, Any]) -> None:
        if not self.lines.full():
            self.lines.put_nowait(said)
