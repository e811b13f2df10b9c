"""One device that speaks unasked, or a receiver with many detectors behind it."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from agent.contract import Ear, Event, Host, PointInfo, Reading
from drivers.serial_line.codec import Codec
from drivers.serial_line.driver import CHECK
from drivers.serial_line.presence import Presence
from drivers.serial_line.reader import Frame
from drivers.serial_line.sample import Sampler, labels_of
from drivers.serial_line.station import Station
from drivers.serial_line.udp import UdpEar

log = logging.getLogger(__name__)

GAP = 0.25  # s without a byte, and what began to look like a frame is none
LOOK = 1.0  # s between looks at the clock
MOST_STRANGERS = 200  # named in the log


class SerialLineStream:
    """Implements StreamingDriver and Raw."""

    def __init__(self, station: Station, host: Host) -> None:
        self._station, self._host = station, host
        self._codec = Codec(station.profile, station.check, host.state.get(CHECK, ""))
        self._sampler = Sampler(station)
        self._presence = Presence(station.detectors, station.silent_after, self._now())
        self._strangers: set[object] = set()

    @property
    def points(self) -> Sequence[PointInfo]:
        return self._station.catalogue

    async def open(self) -> None:
        """There is nothing to prepare."""

    async def close(self) -> None:
        """There is nothing to let go: `readings` does."""

    def raw(self) -> Mapping[str, str]:
        return self._sampler.raw

    async def readings(self) -> AsyncGenerator[Reading | Event, None]:
        """Until cancelled. A message is acknowledged once its readings were taken. Raises
        LinkLost when the port or peer is gone."""
        heard = bytearray()
        async with self._ear() as ear:
            while True:
                piece = await ear.hear(GAP if heard else self._patience())
                heard += piece
                whole = not piece or isinstance(ear, UdpEar)  # a datagram has no continuation
                sifted = self._codec.sift(heard, self._station.profile.listens, final=whole)
                del heard[: sifted.used]
                for frame in filter(self._is_ours, sifted.frames):
                    for reading in self._told(frame):
                        yield reading
                    await self._acknowledge(frame, ear)
                for reading in self._silent():
                    yield reading

    @asynccontextmanager
    async def _ear(self) -> AsyncIterator[Ear]:
        if self._station.listen is not None:
            async with UdpEar(self._station.listen) as udp:
                yield udp
        else:
            async with self._host.wire().overhear(self._station.line) as ear:
                yield ear

    def _is_ours(self, frame: Frame) -> bool:
        return frame.message in self._station.profile.listens and self._station.is_addressed(
            frame.fields
        )

    def _told(self, frame: Frame) -> list[Reading]:
        proven = self._codec.learn(frame)
        if self._codec.learner and self._codec.learner.learned:
            self._host.state[CHECK] = self._codec.learner.learned
        for label in labels_of(self._station, [frame]):
            self._presence.heard(label, self._now())
        self._note_strangers(frame)
        return self._sampler.readings(frame, self._host.now(), proven=proven)

    def _note_strangers(self, frame: Frame) -> None:
        """Each is named once: it waits to be put into the settings."""
        detector = self._station.profile.detector
        if detector is None:
            return
        for row in frame.rows():
            key = row.get(detector)
            known = self._station.label(row) is not None or key in self._strangers
            if not known and len(self._strangers) < MOST_STRANGERS:
                self._strangers.add(key)
                log.info(
                    "%s: hears detector %s, which is not in `detectors:`; its data are dropped",
                    self._station.device,
                    key,
                )

    async def _acknowledge(self, frame: Frame, ear: Ear) -> None:
        message = self._station.profile.listens[frame.message].acknowledge
        if message is None or not self._codec.sure:
            return
        wanted = self._codec.values(message)
        fields = {
            name: raw
            for name, raw in frame.fields.items()
            if name in wanted and isinstance(raw, int | str)
        }
        fields |= self._station.profile.messages[message].set
        answer = self._codec.build(message, fields)
        if isinstance(ear, UdpEar):
            ear.tell(answer)
            return
        async with self._host.wire().turn(self._station.line, self._station.guard) as turn:
            await turn.tell(answer)

    def _silent(self) -> list[Reading]:
        overdue = self._presence.overdue(self._now())
        if not overdue:
            return []
        fields = [point.field for point in self._station.points.values()]
        return self._sampler.bad(fields, overdue, self._host.now(), "silent")

    def _patience(self) -> float:
        return min(LOOK, self._presence.wait(self._now()) + 0.001)

    def _now(self) -> float:
        return self._host.now().mono / 1e9
