"""One device that answers: its points sampled, its points written."""

from collections.abc import Mapping, Sequence

from agent.contract import (
    DeviceFault,
    GatewayError,
    Host,
    LinkLost,
    PointInfo,
    Quality,
    Reading,
    Setup,
    Value,
)
from drivers.serial_line.codec import Codec
from drivers.serial_line.profile import Exchange, Point, Write
from drivers.serial_line.raw import Raw
from drivers.serial_line.reader import Frame
from drivers.serial_line.sample import Sampler, labels_of
from drivers.serial_line.station import Station
from drivers.serial_line.talk import Talk
from drivers.serial_line.udp_wire import UdpWire
from drivers.serial_line.values import decoder, encode

CHECK = "check"  # key of the host's memory: the checksum that was found out
_HEARD = frozenset({"late", "crc", "mismatch"})  # losses that show that the device has not been off


class SerialLineDriver:
    """Implements Configurable, PolledDriver, Raw and Writable."""

    def __init__(self, station: Station, host: Host) -> None:
        self._station, self._host = station, host
        self._codec = Codec(station.profile, station.check, host.state.get(CHECK, ""))
        self._sampler = Sampler(station)
        self._talk: Talk | None = None
        self._udp: UdpWire | None = None
        self._contact: int | None = None  # CLOCK_BOOTTIME, ns: since when the device answers
        self._written: dict[str, dict[str, Raw]] = {}  # what each of `writes:` carried last

    @property
    def points(self) -> Sequence[PointInfo]:
        return self._station.catalogue

    async def open(self) -> None:
        """Says nothing on the wire yet. Raises Misconfigured without a wire."""
        await self.close()
        if self._station.connect is not None:
            self._udp = UdpWire(self._station.connect)
        self._talk = Talk(self._udp or self._host.wire(), self._station, self._codec)
        self._contact = None

    async def close(self) -> None:
        self._talk = None
        if self._udp is not None:
            self._udp.close()
            self._udp = None

    async def read(self) -> Sequence[Reading]:
        """Ends at the first answer that does not come: what was read before it counts, what would
        have been read after it is bad for the same reason."""
        self._sampler.forget()
        readings: list[Reading] = []
        failure: GatewayError | None = None
        good = False
        for name, exchange in self._due():
            if not isinstance(failure, LinkLost):
                try:
                    readings += await self._sample(name, exchange)
                    good = True
                    continue
                except (LinkLost, DeviceFault) as error:
                    failure = error
            readings += self._bad(name, exchange, failure.reason)
        if failure is not None and not good:
            raise failure
        return readings + self._never_written()

    def raw(self) -> Mapping[str, str]:
        return self._sampler.raw

    async def write(self, point: str, value: Value) -> Reading:
        """Returns what the device acknowledged; uncertain where it says nothing. Raises
        DeviceFault when the point or the value does not allow it or the device refuses;
        LinkLost."""
        name, known = self._writable(point)
        how = self._station.profile.writes[name]
        _check_range(point, known, value)
        field = self._codec.values(how.send)[known.field]
        fields = {**self._written.get(name, {}), known.field: encode(known, field, value)}
        await self._ask(how, fields)
        self._written[name] = fields
        return self._shown(point, known, how, fields[known.field])

    @property
    def setups(self) -> Sequence[Setup]:
        messages = self._station.profile.messages
        return [
            Setup(
                name, self._free(how), how.guard == "dangerous", how.note or messages[how.send].note
            )
            for name, how in self._station.profile.config.items()
        ]

    def _free(self, exchange: Exchange) -> tuple[str, ...]:
        """Fields of its request that neither the message nor the device's address sets."""
        own = self._station.profile.address
        fixed = {*self._station.profile.messages[exchange.send].set, own.field if own else ""}
        return tuple(name for name in self._codec.values(exchange.send) if name not in fixed)

    async def configure(
        self, setup: str, fields: Mapping[str, int | str], *, dangerous: bool = False
    ) -> Mapping[str, object]:
        """Sends one of the profile's `config:`, with raw values; returns the fields of the answer.
        What is marked dangerous needs to be meant. Raises DeviceFault, LinkLost."""
        how = self._station.profile.config.get(setup)
        if how is None or (how.guard == "dangerous" and not dangerous):
            raise _guarded(self._station.device, setup)
        if unknown := fields.keys() - self._codec.values(how.send).keys():
            raise DeviceFault(
                "{setup} has no field '{field}'",
                hint="see `config:` and `messages:` in the profile",
                reason="value",
                setup=setup,
                field=min(unknown),
            )
        frames = await self._ask(how, fields)
        return {name: raw for frame in frames for name, raw in frame.fields.items()}

    def _due(self) -> list[tuple[str, Exchange]]:
        """What a poll asks for, and what it has to send again."""
        profile = self._station.profile
        talk = self._opened()
        polls = [(name, poll) for name, poll in profile.polls.items() if talk.answers(poll)]
        again = [(n, w) for n, w in profile.writes.items() if w.refresh and n in self._written]
        return [*polls, *again]

    async def _sample(self, name: str, exchange: Exchange) -> list[Reading]:
        if isinstance(exchange, Write):
            fields = self._written[name]
            await self._ask(exchange, fields)
            return [
                self._shown(point, known, exchange, fields[known.field])
                for point, known in self._points_of(name)
                if known.field in fields
            ]
        frames = await self._ask(exchange, {})
        told = [reading for frame in frames for reading in self._readings(frame)]
        missing = [n for n in self._station.detectors if n not in labels_of(self._station, frames)]
        return told + self._sampler.bad(
            self._codec.values(exchange.answer or ""), missing, self._host.now(), "missing"
        )

    def _bad(self, name: str, exchange: Exchange, reason: str) -> list[Reading]:
        now = self._host.now()
        if isinstance(exchange, Write):
            fields = {known.field for _, known in self._points_of(name)}
            return self._sampler.bad(fields, [""], now, reason)
        fields = {*self._codec.values(exchange.answer or "")}
        return self._sampler.bad(fields, self._station.detectors, now, reason)

    def _never_written(self) -> list[Reading]:
        """A sign that shows nothing of ours yet."""
        fields = {
            known.field
            for name, how in self._station.profile.writes.items()
            if how.refresh
            for _, known in self._points_of(name)
            if known.field not in self._written.get(name, {})
        }
        return self._sampler.bad(fields, [""], self._host.now(), "not_written")

    def _points_of(self, write: str) -> list[tuple[str, Point]]:
        return [(n, p) for n, p in self._station.points.items() if p.write == write]

    def _opened(self) -> Talk:
        if self._talk is None:
            raise RuntimeError(f"{self._station.device} is not open")
        return self._talk

    async def _ask(self, exchange: Exchange, fields: Mapping[str, Raw]) -> list[Frame]:
        talk = self._opened()
        try:
            frames = await talk.ask(exchange, fields)
        except LinkLost as error:
            if error.reason not in _HEARD:
                self._contact = None
            raise
        if self._contact is None:
            self._contact = self._host.now().mono
        return frames

    def _readings(self, frame: Frame) -> list[Reading]:
        at = self._host.now()
        since = at.mono if self._contact is None else self._contact
        warm = at.mono - since >= self._station.warm_up * 1e9
        proven = self._codec.learn(frame)
        if self._codec.learner and self._codec.learner.learned:
            self._host.state[CHECK] = self._codec.learner.learned
        return self._sampler.readings(frame, at, warm=warm, proven=proven)

    def _shown(self, name: str, point: Point, how: Write, raw: Raw) -> Reading:
        value, quality, reason = decoder(point)(raw)
        if quality is Quality.GOOD and not self._opened().answers(how):
            quality, reason = Quality.UNCERTAIN, "not_confirmed"
        now = self._host.now()
        return Reading(self._station.device, name, value, point.unit, now, quality, reason)

    def _writable(self, name: str) -> tuple[str, Point]:
        point = self._station.points.get(name)
        if point is not None and point.write is not None:
            return point.write, point
        if name in self._station.profile.config:
            raise _guarded(self._station.device, name)
        raise DeviceFault(
            "{device} has no point '{point}' that can be written",
            hint="see `write:` in the profile, and `points:` of the device",
            reason="not_writable",
            device=self._station.device,
            point=name,
        )


def _guarded(device: str, setup: str) -> DeviceFault:
    return DeviceFault(
        "{device}: {setup} sets the device up or wears it out; no write and no cloud sends it",
        hint="a technician does that on the spot, on purpose: fieldgate configure {device}",
        reason="guarded",
        device=device,
        setup=setup,
    )


def _check_range(name: str, point: Point, value: Value) -> None:
    if point.enum or point.range is None or isinstance(value, bool | str):
        return
    low, high = point.range
    if not low <= value <= high:
        raise DeviceFault(
            "{point}: {value:g} is outside {low:g}…{high:g}",
            hint="write a value within that range",
            reason="range",
            point=name,
            value=value,
            low=low,
            high=high,
        )
