"""A device that has to be connected to: polled, by the steps of its profile."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.contract import DeviceFault, Host, PointInfo, Quality, Reading, Value
from drivers.ble import fields
from drivers.ble.loading import prepared
from drivers.ble.packet import Packet
from drivers.ble.profile import Frame, Profile, Step
from drivers.ble.station import Station, plausible

if TYPE_CHECKING:
    from drivers.ble.hub import Hub


class BleConnected:
    """Implements PolledDriver and Raw, and the hub's Listener: a device is connected to when its
    advertisements have been heard."""

    def __init__(self, station: Station, profile: Profile, host: Host) -> None:
        self._station, self._profile, self._host = station, profile, host
        self._infos = {info.id: info for info in station.catalogue}
        self.address = station.settings.address
        self.active, self.quiet = station.settings.active, station.settings.quiet
        self._hub: Hub | None = None
        self._raw: dict[str, str] = {}
        self._done: dict[int, float] = {}  # step -> when it was done last, s

    @property
    def points(self) -> Sequence[PointInfo]:
        return self._station.catalogue

    async def open(self) -> None:
        """Connects to nothing yet. Raises LinkLost while the radio is not there."""
        await self.close()
        self._hub = await prepared(self._station.settings.adapter, lambda: None)
        await self._hub.join(self)

    async def close(self) -> None:
        hub, self._hub = self._hub, None
        if hub is not None:
            await hub.leave(self)

    async def read(self) -> Sequence[Reading]:
        """One connection. Points of steps that are not due are left out."""
        if self._hub is None:
            raise RuntimeError(f"{self._station.device.id} is not open")
        from drivers.ble.edge import unheard
        from drivers.ble.gatt import talk

        name, limit = self._station.device.id, self._station.settings.timeout
        self._hub.check()
        due = self._due()
        try:
            async with asyncio.timeout(limit), self._hub.turn(self.address, name) as device:
                steps = [self._profile.steps[at] for at in due]
                heard = await talk(device, name, steps, limit)
        except TimeoutError as error:
            raise unheard(name) from error
        readings = self._readings(heard)
        now = self._now()
        self._done |= dict.fromkeys(due, now)
        return readings

    def raw(self) -> Mapping[str, str]:
        return self._raw

    def patterns(self) -> list[tuple[int, bytes]]:
        return [(0x01, b"\x06")]  # flags: general discoverable, no BR/EDR; every sensor sends them

    def heard(self, packet: Packet) -> None:
        """The hub keeps what a connection needs."""

    def lost(self, error: Exception) -> None:
        """The next read finds out."""

    def happened(self, kind: str, data: Mapping[str, Value | None]) -> bool:  # noqa: ARG002  no stream
        return False

    def _due(self) -> list[int]:
        now = self._now()
        return [at for at, step in enumerate(self._profile.steps) if self._is_due(at, step, now)]

    def _is_due(self, at: int, step: Step, now: float) -> bool:
        return step.every is None or now - self._done.get(at, float("-inf")) >= step.every

    def _readings(self, heard: Mapping[str, bytes]) -> list[Reading]:
        """Raises DeviceFault where a frame says that the device is not ready."""
        found: list[Reading] = []
        self._raw = {}
        for name, data in heard.items():
            frame = self._profile.frames[name]
            _check_ready(self._station.device.id, frame, data)
            values = fields.decode(frame, data) if fields.fits(frame, data) else {}
            for point in frame.values:
                if point in self._station.wanted:
                    found.append(self._reading(point, values.get(point), whole=bool(values)))
                    self._raw[point] = data.hex(" ")
        return found

    def _reading(self, point: str, value: Value | None, *, whole: bool) -> Reading:
        info, now = self._infos[point], self._host.now()
        quality, reason = Quality.GOOD, ""
        if value is None:
            quality, reason = Quality.BAD, "sensor_fault" if whole else "unreadable"
        elif not plausible(info, value):
            quality, reason = Quality.UNCERTAIN, "range"
        return Reading(self._station.device.id, point, value, info.unit, now, quality, reason)

    def _now(self) -> float:
        return self._host.now().mono / 1e9


def _check_ready(device: str, frame: Frame, data: bytes) -> None:
    if any(data.startswith(beginning) for beginning in frame.not_ready):
        raise DeviceFault(
            "{device} has no values ready",
            hint="wait; if that stays, take its battery out for a moment",
            reason="not_ready",
            device=device,
        )
