"""A device that advertises."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING

from agent.contract import Event, Host, Instant, LinkLost, PointInfo, Reading, Record, Value
from drivers.ble.intake import Intake
from drivers.ble.loading import prepared
from drivers.ble.packet import Packet
from drivers.ble.station import Station

if TYPE_CHECKING:
    from drivers.ble.hub import Hub

log = logging.getLogger(__name__)

INBOX = 64  # packets that wait while the store is behind; older ones make room
PATIENCE = 10.0  # s between two bad readings of each point while the radio is gone, at least
_WORDS = {
    "ble.refused": "%s: a packet was refused (%s), %d since last told; its values are not taken",
    "ble.counter_restarted": "%s: its counter began anew (%s, %d packets): a new battery or a "
    "recording; its values are uncertain until `battery:` has a new word",
    "ble.two_transmitters": "%s: two transmitters send under its address (%s, %d packets)",
    "ble.overrun": "%s: %d packets were dropped: the store is behind",
}


class BleStream:
    """Implements StreamingDriver and the hub's Listener."""

    def __init__(self, station: Station, host: Host) -> None:
        self._station, self._host = station, host
        self._decoder = station.decoder()
        self.address = station.settings.address
        self.active, self.quiet = station.settings.active, station.settings.quiet
        self._hub: Hub | None = None
        self._inbox: deque[tuple[Packet, Instant] | Event] = deque()
        self._arrived = asyncio.Event()
        self._trouble: Exception | None = None
        self._missed = 0
        self._failed = False  # at the last `open`
        self._intake = Intake(station, self._decoder, host.state, self._now())

    @property
    def points(self) -> Sequence[PointInfo]:
        return self._station.catalogue

    async def open(self) -> None:
        """Raises Misconfigured where a library or the right to use the radio is missing; LinkLost
        while the radio is not there: at once, and then only every now and then."""
        await self.close()
        self._station.check_key()
        self._inbox.clear()
        self._trouble = None
        hub = self._hub = await prepared(self._station.settings.adapter, self._decoder.load)
        try:
            await hub.join(self)
        except LinkLost:
            await self._await(hub)
        self._failed = False
        self._intake.start(self._now())

    async def close(self) -> None:
        hub, self._hub = self._hub, None
        if hub is not None:
            await hub.leave(self)

    async def readings(self) -> AsyncGenerator[Reading | Event, None]:
        while True:
            for record in await self._next():
                yield record

    def patterns(self) -> list[tuple[int, bytes]]:
        return self._station.patterns()

    def heard(self, packet: Packet) -> None:
        self._put((packet, self._host.now()))

    def lost(self, error: Exception) -> None:
        self._trouble = error
        self._arrived.set()

    def happened(self, kind: str, data: Mapping[str, Value | None]) -> bool:
        self._put(Event(kind, self._station.device.id, self._host.now(), data))
        return True

    def _put(self, item: tuple[Packet, Instant] | Event) -> None:
        if len(self._inbox) >= INBOX:
            self._inbox.popleft()
            self._missed += 1
        self._inbox.append(item)
        self._arrived.set()

    async def _await(self, hub: "Hub") -> None:
        """Raises LinkLost."""
        if self._failed:
            await hub.back(max(PATIENCE, self._station.device.every))
        self._failed = True
        hub.check()

    async def _next(self) -> list[Record]:
        """What the next packet, or its failing to come, amounts to."""
        if not self._inbox and self._trouble is None:
            self._arrived.clear()
            try:
                async with asyncio.timeout(max(0.0, self._intake.due - self._now())):
                    await self._arrived.wait()
            except TimeoutError:
                return self._intake.silent(self._host.now())
        records = [*self._overrun(), *self._taken()]
        for record in records:
            if isinstance(record, Event) and record.kind in _WORDS:
                log.warning(_WORDS[record.kind], record.subject, *record.data.values())
        return records

    def _taken(self) -> list[Record]:
        if self._inbox:
            item = self._inbox.popleft()
            return [item] if isinstance(item, Event) else self._intake.hear(*item)
        if self._trouble is not None:
            self._failed = True
            raise self._trouble
        return []

    def _overrun(self) -> list[Record]:
        missed, self._missed = self._missed, 0
        if not missed:
            return []
        now = self._host.now()
        return [Event("ble.overrun", self._station.device.id, now, {"packets": missed})]

    def _now(self) -> float:
        return self._host.now().mono / 1e9
