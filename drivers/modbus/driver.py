"""One Modbus device: its points sampled, its points written."""

from collections.abc import Mapping, Sequence

from agent.contract import (
    Device,
    DeviceFault,
    Host,
    LinkLost,
    PointInfo,
    Reading,
    Setup,
    Value,
)
from drivers.modbus import codec, planner
from drivers.modbus.decode import decode
from drivers.modbus.encode import encode
from drivers.modbus.identity import Identity
from drivers.modbus.profile import Point, Write
from drivers.modbus.sample import Field, Sample, samples
from drivers.modbus.setup import guarded, set_up, setups
from drivers.modbus.station import Station
from drivers.modbus.unit import Unit, reason_of, refused

_HEARD = frozenset({"late", "crc"})  # losses that show that the device has not been off


class ModbusDriver:
    """Implements Configurable, PolledDriver, Raw, Replaceable and Writable."""

    def __init__(self, device: Device, host: Host) -> None:
        """Raises Misconfigured."""
        self._id, self._host = device.id, host
        self._station = Station.of(device, host)
        self._points = self._station.catalogue
        self._samples: list[tuple[Sample, codec.Request]] = []
        self._unit: Unit | None = None
        self._identity = Identity(device.id, self._station, host.state)
        self._contact: int | None = None  # CLOCK_BOOTTIME, ns: since when the device answers
        self._last: list[tuple[Sample, bytes]] = []

    @property
    def points(self) -> Sequence[PointInfo]:
        return self._points

    async def open(self) -> None:
        """Plans the reads; says nothing on the wire yet. Raises Misconfigured without a wire."""
        await self.close()
        wire = self._host.wire()
        blocks = _plan(self._station, wire.framing)
        self._samples = [
            (sample, codec.read(self._station.unit, sample.block))
            for sample in samples(self._id, blocks, self._station.points)
        ]
        self._unit = Unit(wire, self._station, blocks)
        self._contact = None
        self._identity.doubt()

    async def close(self) -> None:
        if self._unit is not None:
            self._unit.leave()
            self._unit = None

    async def read(self) -> Sequence[Reading]:
        """Ends at the first answer that does not come: what was read before it counts, what would
        have been read after it is bad for the same reason."""
        self._last = []
        await self._identity.check(self._ask)
        readings: list[Reading] = []
        lost: LinkLost | None = None
        code = 0
        for sample, request in self._samples:
            if lost is None:
                try:
                    code, data = await self._ask(request)
                except LinkLost as error:
                    lost = error
            if lost is not None:
                readings += sample.bad(self._host.now(), lost.reason)
            elif code:
                readings += sample.bad(self._host.now(), reason_of(code))
            else:
                self._last.append((sample, data))
                readings += self._readings(sample, data)
        if self._last:
            return self._identity.mark(readings)
        raise lost or refused(self._station.unit, code)

    def raw(self) -> Mapping[str, str]:
        return {
            field.name: field.words(data) for sample, data in self._last for field in sample.fields
        }

    def replaced(self) -> None:
        self._identity.accept()

    async def write(self, point: str, value: Value) -> Reading:
        """Returns what reads back. Raises DeviceFault when the point or the value does not allow
        it, the device refuses, or something else stands there afterwards; LinkLost."""
        sample, request, field, how = self._writable(point)
        _check_range(point, field.point, value)
        before: Sequence[int] = ()
        if field.point.bit is not None:
            before = field.registers(await self._ask_data(request))
        words = encode(field.point, value, before)
        sent = how.sent(words)
        await self._ask_data(
            codec.write(self._station.unit, how.function, field.point.address, sent)
        )
        readings = self._readings(sample, await self._ask_data(request))
        found = next(reading for reading in readings if reading.point == point)
        if found.value != (wanted := decode(field.point, words)[0]):
            raise _not_taken(point, wanted, found.value)
        return found

    @property
    def setups(self) -> Sequence[Setup]:
        return setups(self._station.profile)

    async def configure(
        self, setup: str, fields: Mapping[str, int | str], *, dangerous: bool = False
    ) -> Mapping[str, object]:
        """Writes one of the profile's `settings:`; returns what reads back."""
        known = next((one for one in self.setups if one.name == setup), None)
        if known is None or (known.dangerous and not dangerous):
            raise guarded(self._id, setup)
        return await set_up(
            self._ask_data, self._station.unit, self._station.profile, setup, fields
        )

    async def _ask(self, request: codec.Request) -> tuple[int, bytes]:
        if self._unit is None:
            raise RuntimeError(f"{self._id} is not open")
        try:
            answer = await self._unit.ask(request)
        except LinkLost as error:
            if error.reason not in _HEARD:
                self._contact = None
                self._identity.doubt()
            raise
        if self._contact is None:
            self._contact = self._host.now().mono
        return answer

    async def _ask_data(self, request: codec.Request) -> bytes:
        code, data = await self._ask(request)
        if code:
            raise refused(self._station.unit, code)
        return data

    def _readings(self, sample: Sample, data: bytes) -> list[Reading]:
        at = self._host.now()
        since = at.mono if self._contact is None else self._contact
        warm = at.mono - since >= self._station.warm_up * 1e9
        return sample.readings(data, at, self._host.state, warm=warm)

    def _writable(self, name: str) -> tuple[Sample, codec.Request, Field, Write]:
        for sample, request in self._samples:
            for field in sample.fields:
                if field.name == name and field.point.write is not None:
                    return sample, request, field, field.point.write
        raise DeviceFault(
            "{device} has no point '{point}' that can be written",
            hint="see `write:` in the profile, and `points:` of the device",
            reason="not_writable",
            device=self._id,
            point=name,
        )


def _plan(station: Station, framing: str) -> tuple[planner.Block, ...]:
    """A plan hardly depends on the speed of the line, so the factory's stands for the wire's."""
    latency = station.profile.timing.latency
    if framing == "tcp":
        cost = planner.Cost.on_tcp(latency, station.guard)
    else:
        line = station.line or station.profile.line.line
        cost = planner.Cost.on_line(line, latency, station.guard)
    return planner.plan(station.profile, station.points, cost)


def _check_range(name: str, point: Point, value: Value) -> None:
    if point.enum or point.range is None or isinstance(value, bool | str):
        return
    low, high = point.range
    if not low <= value <= high:
        raise DeviceFault(
            "{point}: {value} is outside {low:g}…{high:g}",
            hint="write a value within that range",
            reason="range",
            point=name,
            value=value,
            low=low,
            high=high,
        )


def _not_taken(name: str, wanted: Value | None, found: Value | None) -> DeviceFault:
    return DeviceFault(
        "{point}: {wanted} was written, {found} reads back",
        hint="look whether the device is switched to manual or local operation",
        reason="read_back",
        point=name,
        wanted=wanted,
        found=found,
    )
