"""Gives Modbus devices of one kind their unit ids: implements `agent.contract.Addressing`.

What is heard is listened to until the time for an answer is over, because two devices with one id
answer one after the other, or at once, and then in noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.contract import (
    WIRE_GONE,
    AddressRules,
    Device,
    Host,
    Identity,
    LinkLost,
    Misconfigured,
    Presence,
    Value,
    Wire,
)
from drivers.modbus import codec, planner
from drivers.modbus.address import IdRegister
from drivers.modbus.decode import decoder
from drivers.modbus.profile import Profile, load_profile
from drivers.modbus.sample import samples
from drivers.modbus.station import Station
from drivers.modbus.unit import refused

ALL = 0  # the unit that every device obeys
_GATEWAY = frozenset({10, 11})  # a converter says that nobody answers behind it
_ILLEGAL_FUNCTION = 1


def addressing(name: str, file: Path, wire: Wire) -> "ModbusAddressing":
    """Raises Misconfigured where the profile does not say how an id is set."""
    profile = load_profile(file)
    register = IdRegister.of(profile)
    if register is None:
        raise Misconfigured(
            "the profile {name} does not say how the id is set",
            hint="set it as the manual says (switches, keys, the maker's program)",
            name=name,
        )
    return ModbusAddressing(name, profile, register, wire)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came within the time for an answer. `code`: of an exception, else 0."""

    presence: Presence
    code: int = 0
    data: bytes = b""


class ModbusAddressing:
    def __init__(self, name: str, profile: Profile, register: IdRegister, wire: Wire) -> None:
        self._name, self._profile = name, profile
        self._register, self._wire = register, wire
        line = profile.line.line
        cost = planner.Cost.on_line(line, profile.timing.latency, profile.timing.guard)
        self._blocks = planner.plan(profile, profile.points, cost)

    @property
    def rules(self) -> AddressRules:
        own, how = self._profile, self._profile.address
        title = {"en": own.title, "zh": own.title_zh or own.title}
        note = {"en": how.note, "zh": how.note_zh or how.note} if how else {}
        return AddressRules(
            title,
            note,
            own.line.line,
            own.line.unit,
            self._register.first,
            self._register.last,
            self._register.reserved,
            how.takes_effect if how else "unknown",
            how is not None and how.to_all,
        )

    def text(self, unit: int) -> str:
        return str(unit)

    async def look(self, unit: int) -> Presence:
        return (await self._ask(codec.read(unit, self._blocks[0]))).presence

    async def identify(self, unit: int) -> Identity:
        values: list[tuple[str, Value | None, str]] = []
        for sample in samples(self._name, self._blocks, self._profile.points):
            data = await self._data(codec.read(unit, sample.block))
            values += [(f.name, f.decoder(data, f.at)[0], f.unit) for f in sample.fields]
        return Identity(await self._serial(unit), values)

    async def held(self, unit: int) -> int | None:
        heard = await self._ask(codec.read(unit, self._register.block))
        if heard.presence is not Presence.ONE or heard.code:
            return None
        words = [int.from_bytes(heard.data[at : at + 2]) for at in range(0, len(heard.data), 2)]
        return self._register.unit(words)

    async def assign(self, old: int, new: int) -> None:
        if not self._register.allows(new):
            raise ValueError(f"{new} is no id for {self._name}")
        to = ALL if self._profile.address and self._profile.address.to_all else old
        code = 0
        for function in self._register.functions:
            block, words = self._register.block, self._register.words(new)
            request = codec.write(to, function, block.first, words)
            heard = await self._ask(request)
            code = heard.code
            if heard.presence is Presence.ONE and code != _ILLEGAL_FUNCTION:
                break
        if code:
            raise refused(old, code)

    def taken(self, devices: Sequence[tuple[Device, Host]]) -> Mapping[int, str]:
        return {Station.of(device, host).unit: device.id for device, host in devices}

    def options(self, unit: int) -> Mapping[str, str | int]:
        return {"profile": self._name, "unit": unit}

    async def _serial(self, unit: int) -> str:
        """Of the registers that tell one from another, those that hold a serial number."""
        said = []
        for point in (p for name, p in self._profile.identity.items() if "serial" in name):
            block = planner.Block(point.table, point.address, point.width)
            heard = await self._ask(codec.read(unit, block))
            if heard.presence is Presence.ONE and not heard.code:
                said.append(decoder(point)(heard.data, 0)[0])
        return " ".join(str(value) for value in said if value is not None)

    async def _data(self, request: codec.Request) -> bytes:
        heard = await self._ask(request)
        if heard.presence is not Presence.ONE:
            raise LinkLost(
                "unit {unit} gives no clear answer",
                hint="look at the plug and the supply; only one new device may be on the wire",
                unit=request.unit,
            )
        if heard.code:
            raise refused(request.unit, heard.code)
        return heard.data

    async def _ask(self, request: codec.Request) -> Heard:
        timing = self._profile.timing
        if self._wire.framing == "tcp":
            return await self._ask_peer(request, timing.timeout)
        heard = bytearray()

        def listen(now: bytearray) -> None:
            heard[:] = now

        async with self._wire.turn(None, timing.guard) as turn:
            try:
                await turn.ask(request.rtu_frame, listen, timing.timeout)
            except LinkLost as error:
                if error.reason in WIRE_GONE or error.reason == "no_echo":
                    raise
        return judged(request, heard)

    async def _ask_peer(self, request: codec.Request, timeout: float) -> Heard:
        """A converter answers for the devices behind it: who is there twice cannot be heard."""
        exchange = codec.MbapExchange(request)
        async with self._wire.turn(None, self._profile.timing.guard) as turn:
            try:
                frame = await turn.ask(exchange.frame, exchange.accept, timeout)
            except LinkLost as error:
                if error.reason in WIRE_GONE:
                    raise
                return Heard(Presence.SILENT)
        code, data = exchange.answer(frame)
        return Heard(Presence.SILENT) if code in _GATEWAY else Heard(Presence.ONE, code, data)


def judged(request: codec.Request, heard: bytearray) -> Heard:
    """Frames of other units are none of ours: late answers to the service's own questions."""
    if not heard:
        return Heard(Presence.SILENT)
    unit = request.unit
    frames, understood, noise = codec.sift(bytearray(heard), unit)
    if noise or understood < len(heard):
        return Heard(Presence.SEVERAL)
    if unit == ALL or not frames:
        return Heard(Presence.SILENT)
    if len(frames) > 1 or not request.fits(frames[0][1:-2]):
        return Heard(Presence.SEVERAL)
    code, data = codec.RtuExchange(request).answer(frames[0])
    return Heard(Presence.ONE, code, data)
