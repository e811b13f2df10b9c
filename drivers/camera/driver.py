"""One camera, seen from the service: its process is kept, its words are checked and passed on."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from agent.contract import (
    Child,
    ChildLimits,
    Device,
    Event,
    Host,
    Instant,
    LinkLost,
    Misconfigured,
    PointInfo,
    Quality,
    Reading,
)
from drivers.camera import messages, trials
from drivers.camera.address import Place, Resolve, resolve, unless, with_login
from drivers.camera.calibrating import Calibration, Pace, calibration, forget
from drivers.camera.memory import Memory
from drivers.camera.messages import Allowance, Message, Nonsense
from drivers.camera.settings import CameraSettings
from drivers.camera.site import Site, check_extra
from drivers.camera.trust import certificates
from drivers.camera.wishing import Wishing

log = logging.getLogger(__name__)

CHILD = ("-I", "-m", "drivers.camera.child")
OLDEST = 60.0  # s that a word of the child may be old
PATIENCE = 20.0  # s for a snapshot
LONGEST = 16 << 20  # bytes of one message: an event with its pictures
STILLBORN = 3  # ends before the first word, after which the machine is to blame
KINDS = (
    "plate.passed",
    "vehicle.passed",
    "space.seen",
    "no_parking.stood",
    "no_parking.ended",
    "view.lost",
    "view.back",
)


class CameraDriver:
    """Implements StreamingDriver."""

    def __init__(
        self, device: Device, host: Host, ask: Resolve = resolve, pace: Pace | None = None
    ) -> None:
        """`ask`: who knows the numbers of names; `pace` of calibration. Raises Misconfigured."""
        self._id, self._host = device.id, host
        self._settings = CameraSettings.model_validate(dict(device.options))
        self._site = Site.of(device, host, self._settings)
        self._place = Place(device.id, self._settings.source, ask)
        self._child: Child | None = None
        self._models = ""
        self._lost = ""
        self._reason = ""  # why they were lost at first
        self._since = 0  # ns of the boot-time clock, when frames were lost
        self._confined = self._warned = False
        self._stillborn = 0
        self._allowance = Allowance()
        self._snapshots: dict[int, asyncio.Future[bytes]] = {}
        self._count = 0
        self._pace = pace or Pace()
        self._calibration: Calibration | None = None
        self._wish = Wishing()
        self._memory = Memory(host.state, self._site.aim, not self._settings.no_plates)

    def replaced(self) -> None:
        """Another camera, or one that looks elsewhere, and that is meant."""
        self._memory.forget()
        forget(self._host.state, self._calibration)
        self._wish(self._child, {"forget": True})

    @property
    def points(self) -> Sequence[PointInfo]:
        return self._site.points

    async def open(self) -> None:
        """Raises LinkLost, Misconfigured (no vision extra, a model that is refused)."""
        await self.close()
        check_extra(self._id)
        setup = await self._setup()
        limits = ChildLimits(
            self._settings.memory * 1_000_000, silence=10.0, patience=60.0, longest=LONGEST
        )
        self._allowance = Allowance()
        self._child = await self._host.child(CHILD, limits)
        ready = await self._first(self._child, setup)
        if ready.kind == "refused":
            await self.close()
            raise Misconfigured(
                "{device}: {error}",
                hint="fieldgate model verify",
                reason="model",
                device=self._id,
                error=str(ready.body.get("error", ""))[:1000],
            )
        self._models = self._believed(ready)
        self._confined = ready.body.get("confined") is True
        if not self._confined and not self._warned:
            self._warned = True
            log.warning(
                "%s: this kernel has no Landlock or no seccomp; its process is not shut in",
                self._id,
            )

    async def _first(self, child: Child, setup: Mapping[str, Any]) -> Message:
        """Its first word. One that ends before it time and again will not start on this machine."""
        try:
            await child.send(json.dumps(setup).encode())
            ready = await self._word(child)
        except LinkLost as error:
            self._stillborn += 1
            if error.reason != "child_died" or self._stillborn < STILLBORN:
                raise
            raise LinkLost(
                "{device}: its process ended {count} times before it could work: {error}",
                hint="this CPU may lack what OpenCV or ONNX Runtime need, or they are damaged: "
                "fieldgate vision bench, then install the vision packages again",
                reason="child_died",
                device=self._id,
                count=self._stillborn,
                error=error,
            ) from error
        self._stillborn = 0
        return ready

    def _believed(self, ready: Message) -> str:
        """The models that it runs. Raises LinkLost."""
        try:
            return messages.text(ready.body.get("models") if ready.kind == "ready" else None)
        except Nonsense as error:
            raise self._liar(error) from error

    async def close(self) -> None:
        child, self._child = self._child, None
        for waiting in self._snapshots.values():
            if not waiting.done():
                waiting.set_exception(self._no_picture("closed"))
        self._snapshots, self._lost = {}, ""
        if child is not None:
            await child.close()

    async def readings(self) -> AsyncIterator[Reading | Event]:
        """Raises LinkLost when the process ends, in whatever way."""
        child = self._child
        if child is None:
            raise RuntimeError(f"{self._id} is not open")
        yield self._shut_in()
        while True:
            message = await unless(self._moved, self._place.pause, self._word(child))
            if message is None:
                child = await self._follow(child)
                continue
            try:
                self._allowance.spend(self._host.now().mono / 1e9)
                records = self._records(message)
            except Nonsense as error:
                await self.close()
                raise self._liar(error) from error
            for record in records:
                yield record

    async def _moved(self) -> bool:
        return bool(self._lost) and await self._place.moved(self._lost)

    async def _follow(self, child: Child) -> Child:
        """To where the camera is now. A device that was plugged in again may only be opened by a
        process that is shut in anew. Raises LinkLost."""
        if self._place.path is None:
            log.info("%s: trying %s now", self._id, self._place.follow())
            await child.send(json.dumps({"number": self._place.number}).encode())
            return child
        log.info("%s: %s is there again", self._id, self._place.path)
        await self.open()
        self._lost = "connecting"
        return self._child or child

    async def snapshot(self) -> bytes:
        """The next frame, masked, as JPEG. Raises LinkLost while there are none."""
        if self._child is None or self._lost:
            raise self._no_picture(self._lost or "not open")
        self._count += 1
        number = self._count
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._snapshots[number] = waiting
        try:
            await self._child.send(json.dumps({"snapshot": number}).encode())
            async with asyncio.timeout(PATIENCE):
                return await waiting
        except TimeoutError as error:
            raise self._no_picture("timeout") from error
        finally:
            self._snapshots.pop(number, None)
            waiting.cancel()

    def _no_picture(self, why: str) -> LinkLost:
        return LinkLost(
            "{device} has no picture just now ({why})",
            hint="look after its power, its network and its login",
            reason="no_frames",
            device=self._id,
            why=why,
        )

    async def _word(self, child: Child) -> Message:
        try:
            return messages.decode(await child.receive())
        except Nonsense as error:
            await self.close()
            raise self._liar(error) from error

    def _liar(self, error: Nonsense) -> LinkLost:
        return LinkLost(
            "{device}: its process said what it never would ({error}) and was ended",
            hint="it is started again; what it is connected to may be hostile",
            reason="child_garbage",
            device=self._id,
            error=error,
        )

    def _shut_in(self) -> Reading:
        """Whether the kernel keeps its process from everything but its camera."""
        return Reading(self._id, "confined", self._confined, "1", self._host.now())

    def _records(self, message: Message) -> Sequence[Reading | Event]:
        """Raises Nonsense."""
        if message.kind in {"snapshot", "remember"}:
            self._kept(message)
            return []
        makers: Mapping[str, Callable[[Message, Instant], Sequence[Reading | Event]]] = {
            "measured": lambda message, at: [self._reading(message, at)],
            "happened": lambda message, at: [self._event(message, at)],
            "frames": self._frames,
            "shadow": self._agreement,
            "looks": self._learn,
        }
        make = makers.get(message.kind)
        if make is None:
            raise Nonsense(f"'{message.kind[:40]}'")
        return make(message, self._at(message))

    def _kept(self, message: Message) -> None:
        """What nobody is told of. Raises Nonsense."""
        if message.kind == "snapshot":
            self._at(message)
            self._show(message)
        else:
            self._memory.remember(message.body.get("reference"))

    def _at(self, message: Message) -> Instant:
        """The child's clock is the machine's; its wall clock is not asked."""
        now = self._host.now()
        moment = messages.instant(message, now.mono / 1e9, OLDEST)
        ago = now.mono - round(moment * 1e9)
        return Instant(now.boot, now.mono - ago, now.wall - ago, now.trusted)

    def _reading(self, message: Message, at: Instant) -> Reading:
        names = {point.id: point.unit for point in self.points}
        point, value, reason = messages.measured(message, list(names))
        quality = Quality.BAD if value is None else Quality.GOOD
        return Reading(self._id, point, value, names[point], at, quality, reason)

    def _learn(self, message: Message, at: Instant) -> Sequence[Event]:
        """What its looks make of its thresholds; used from now on. Raises Nonsense."""
        if self._calibration is None:
            raise Nonsense("looks that nobody asked for")
        try:
            change = self._calibration.hear(messages.looks(message))
        except ValueError as error:
            raise Nonsense(str(error)) from error
        if change is None:
            return []
        self._wish(self._child, {"thresholds": dict(self._calibration.thresholds)})
        log.info("%s: calibrated from %d looks: %s", self._id, change.looks, change.all)
        data = {**change.told(), "model": self._models}
        return [Event("camera.calibrated", self._id, at, data)]

    def _event(self, message: Message, at: Instant) -> Event:
        kind, subject, data = messages.happened(message, KINDS, self._site.subjects)
        media = messages.pictures(message)
        if kind == "no_parking.stood" and not at.trusted:
            missing = [str(data.get("missing", "")), "trusted clock"]
            data |= {"evidential": False, "missing": ", ".join(filter(None, missing))}
        data["model"] = self._models
        return Event(kind, subject, at, data, media)

    def _agreement(self, message: Message, at: Instant) -> Sequence[Reading]:
        counted = messages.counted(message, list(self._site.candidates))
        return trials.agreement(self._site, self._host.state, counted, at)

    def _frames(self, message: Message, at: Instant) -> Sequence[Event]:
        """Told when they are lost, and when they are back; the first reason holds."""
        lost = messages.text(message.body.get("lost"))
        was, self._lost = self._lost, lost
        if bool(lost) == bool(was):
            return []
        if lost:
            log.warning("%s: no frames (%s); trying on", self._id, lost)
            self._reason, self._since = lost, at.mono
            return [Event("camera.lost", self._id, at, {"reason": lost})]
        seconds = round(max(0, at.mono - self._since) / 1e9, 1)
        log.info("%s: frames again after %g s", self._id, seconds)
        return [Event("camera.back", self._id, at, {"reason": self._reason, "seconds": seconds})]

    def _show(self, message: Message) -> None:
        shown = messages.pictures(message)
        waiting = self._snapshots.get(messages.number(message.body.get("number")))
        if len(shown) != 1:
            raise Nonsense("not one picture")
        if waiting is not None and not waiting.done():
            waiting.set_result(shown[0].jpeg)

    async def _setup(self) -> Mapping[str, Any]:
        await self._place.find()
        where, password = self._settings.source, ""
        if self._settings.password_file is not None:
            password = self._host.secret(self._settings.password_file).decode()
        if self._settings.kind == "rtsp" and self._settings.user:
            where = with_login(where, self._settings.user, password)
        return {
            **self._site.setup(),
            **self._calibrated(),
            "where": where,
            "user": self._settings.user or "",
            "password": password,
            "port": self._place.port,
            "number": self._place.number,
            "ca": certificates(self._id, self._host, self._settings.ca_file),
            "reference": self._memory.recall(),
            "confine": True,
        }

    def _calibrated(self) -> Mapping[str, Any]:
        """Of its thresholds: what is known, and what it shall learn. Raises Misconfigured."""
        self._calibration = calibration(self._site, self._host.state, self._pace)
        return {} if self._calibration is None else self._calibration.setup()
