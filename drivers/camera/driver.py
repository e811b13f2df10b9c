"""One camera, seen from the service: its process is kept, its words are checked and passed on."""

import asyncio
import ipaddress
import json
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

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
    Value,
)
from drivers.camera import messages, shadow
from drivers.camera.messages import Message, Nonsense
from drivers.camera.model_store import ModelStore
from drivers.camera.settings import CameraSettings
from drivers.camera.site import Site
from drivers.camera.vision.card import read_card

log = logging.getLogger(__name__)

CHILD = ("-I", "-m", "drivers.camera.child")
OLDEST = 60.0  # s that a word of the child may be old
KINDS = (
    "plate.passed",
    "vehicle.passed",
    "space.seen",
    "no_parking.stood",
    "no_parking.ended",
    "view.lost",
    "view.back",
)
PORTS = {"rtsp": 554, "http": 80, "https": 443}


class CameraDriver:
    """Implements StreamingDriver."""

    def __init__(self, device: Device, host: Host) -> None:
        """Raises Misconfigured."""
        self._id, self._host = device.id, host
        self._settings = CameraSettings.model_validate(dict(device.options))
        self._site = Site.of(device, host, self._settings)
        self._child: Child | None = None
        self._models = ""
        self._lost = ""
        self._snapshots: dict[int, asyncio.Future[bytes]] = {}
        self._count = 0

    @property
    def points(self) -> Sequence[PointInfo]:
        return self._site.points

    async def open(self) -> None:
        """Raises LinkLost, Misconfigured (no vision extra, a model that is refused)."""
        await self.close()
        setup = await self._setup()
        limits = ChildLimits(self._settings.memory * 1_000_000, silence=10.0, patience=60.0)
        self._child = await self._host.child(CHILD, limits)
        await self._child.send(json.dumps(setup).encode())
        ready = await self._word(self._child)
        if ready.kind == "refused":
            await self.close()
            raise Misconfigured(
                "{device}: {error}",
                hint="fieldgate model verify",
                reason="model",
                device=self._id,
                error=str(ready.body.get("error", ""))[:1000],
            )
        self._models = str(ready.body.get("models", ""))[:200]

    async def close(self) -> None:
        child, self._child = self._child, None
        for waiting in self._snapshots.values():
            waiting.cancel()
        self._snapshots = {}
        if child is not None:
            await child.close()

    async def readings(self) -> AsyncIterator[Reading | Event]:
        """Raises LinkLost when the process ends, in whatever way."""
        child = self._child
        if child is None:
            raise RuntimeError(f"{self._id} is not open")
        while True:
            message = await self._word(child)
            try:
                records = self._records(message)
            except Nonsense as error:
                await self.close()
                raise LinkLost(
                    "{device}: its process said what it never would ({error}) and was ended",
                    hint="it is started again; what it is connected to may be hostile",
                    reason="child_garbage",
                    device=self._id,
                    error=error,
                ) from error
            for record in records:
                yield record

    async def snapshot(self) -> bytes:
        """The next frame, masked, as JPEG. Raises LinkLost while there are none."""
        if self._child is None or self._lost:
            raise LinkLost(
                "{device} has no picture just now ({why})",
                hint="look after its power, its network and its login",
                reason="no_frames",
                device=self._id,
                why=self._lost or "not open",
            )
        self._count += 1
        waiting = asyncio.get_running_loop().create_future()
        self._snapshots[self._count] = waiting
        await self._child.send(json.dumps({"snapshot": self._count}).encode())
        async with asyncio.timeout(OLDEST):
            return bytes(await waiting)

    async def _word(self, child: Child) -> Message:
        try:
            return messages.decode(await child.receive())
        except Nonsense as error:
            await self.close()
            raise LinkLost(
                "{device}: its process said what it never would ({error}) and was ended",
                hint="it is started again; what it is connected to may be hostile",
                reason="child_garbage",
                device=self._id,
                error=error,
            ) from error

    def _records(self, message: Message) -> Sequence[Reading | Event]:
        """Raises Nonsense."""
        at = self._at(message) if message.kind != "remember" else self._host.now()
        if message.kind == "measured":
            return [self._reading(message, at)]
        if message.kind == "happened":
            return [self._event(message, at)]
        if message.kind == "frames":
            return self._frames(str(message.body.get("lost", ""))[:40], at)
        if message.kind == "shadow":
            return self._agreement(messages.counted(message, list(self._site.candidates)), at)
        if message.kind == "snapshot":
            self._show(message)
        elif message.kind == "remember":
            reference = message.body.get("reference")
            if not isinstance(reference, str) or len(reference) > 40_000:
                raise Nonsense("a reference of another shape")
            self._host.state["reference"] = reference
        else:
            raise Nonsense(f"'{message.kind[:40]}'")
        return []

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

    def _agreement(self, counted: Mapping[str, shadow.Tally], at: Instant) -> Sequence[Reading]:
        """Of the models on trial, over all that this camera has seen of them."""
        looks, agreed = shadow.remember(self._host.state, counted)
        if not looks:
            return []
        if self._settings.adopt:
            self._adopt()
        share = round(agreed / looks, 4)
        told = (("shadow_agreement", share), ("shadow_looks", looks))
        return [Reading(self._id, name, value, "1", at) for name, value in told]

    def _adopt(self) -> None:
        """Models on trial that agree often enough are used from the next start on."""
        for name, trial in self._site.trials.items():
            store = ModelStore(trial.parent, self._site.models[name])
            tally = shadow.tally([self._host.state], read_card(trial / "card.yaml").sha256)
            if store.candidate() != trial or not shadow.agrees(*tally):
                continue
            try:
                store.accept()
            except Misconfigured as error:
                log.warning("%s: the model in shadow agrees, but %s", self._id, error)
                continue
            log.warning("%s: %s is used from the next start on", self._id, trial.name)

    def _event(self, message: Message, at: Instant) -> Event:
        kind, subject, data = messages.happened(message, KINDS, self._site.subjects)
        media = messages.pictures(message)
        if kind == "no_parking.stood" and not at.trusted:
            missing = [str(data.get("missing", "")), "trusted clock"]
            data |= {"evidential": False, "missing": ", ".join(filter(None, missing))}
        data["model"] = self._models
        return Event(kind, subject, at, data, media)

    def _frames(self, lost: str, at: Instant) -> Sequence[Event]:
        """Told when it changes."""
        if lost == self._lost:
            return []
        was, self._lost = self._lost, lost
        data: dict[str, Value | None] = {"reason": lost or was}
        return [Event("camera.lost" if lost else "camera.back", self._id, at, data)]

    def _show(self, message: Message) -> None:
        (picture,) = messages.pictures(message) or (None,)
        waiting = self._snapshots.pop(int(message.body.get("number", 0)), None)
        if picture is not None and waiting is not None and not waiting.done():
            waiting.set_result(picture.jpeg)

    async def _setup(self) -> Mapping[str, Any]:
        where, port = await self._address()
        password = ""
        if self._settings.password_file is not None:
            password = self._host.secret(self._settings.password_file).decode()
        if self._settings.kind == "rtsp" and self._settings.user:
            where = _with_login(where, self._settings.user, password)
        return {
            **self._site.setup(),
            "where": where,
            "user": self._settings.user or "",
            "password": password,
            "port": port,
            "reference": self._host.state.get("reference", ""),
            "confine": True,
        }

    async def _address(self) -> tuple[str, int | None]:
        """With a number for the name: the child can ask nobody. Raises LinkLost."""
        if self._settings.source.startswith("/"):
            return self._settings.source, None
        parts = urlsplit(self._settings.source)
        port = parts.port or PORTS[parts.scheme]
        name = str(parts.hostname)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                name, port, type=socket.SOCK_STREAM
            )
        except OSError as error:
            raise LinkLost(
                "{device}: nobody knows the name {name}",
                hint="check the name and the DNS server, or write the camera's number",
                reason="no_name",
                device=self._id,
                name=name,
            ) from error
        address = str(found[0][4][0])
        if ipaddress.ip_address(address).version == 6:
            address = f"[{address}]"
        return urlunsplit(parts._replace(netloc=f"{address}:{port}")), port


def _with_login(where: str, user: str, password: str) -> str:
    from urllib.parse import quote

    parts = urlsplit(where)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))
