"""Gives devices with frames of their own their addresses: implements `agent.contract.Addressing`.

An address is a number here: that of its bytes in the order of the frame.
"""

from collections.abc import Mapping, Sequence
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
from drivers.serial_line.codec import Codec
from drivers.serial_line.profile import Address, Assign, Exchange, Profile, load_profile
from drivers.serial_line.raw import Raw
from drivers.serial_line.reader import Frame
from drivers.serial_line.station import Station
from drivers.serial_line.values import decoder

_BYTES = 2  # of the longest address that is counted through


def addressing(name: str, file: Path, wire: Wire) -> "SerialLineAddressing":
    """Raises Misconfigured where the profile does not say how an address is set."""
    profile = load_profile(file)
    own = profile.address
    if own is None or own.assign is None or not profile.polls:
        raise Misconfigured(
            "the profile {name} does not say how the id is set",
            hint="set it as the manual says (switches, keys, the maker's program)",
            name=name,
        )
    return SerialLineAddressing(name, profile, own, own.assign, wire)


class SerialLineAddressing:
    def __init__(
        self, name: str, profile: Profile, own: Address, assign: Assign, wire: Wire
    ) -> None:
        self._name, self._profile, self._wire = name, profile, wire
        self._own, self._assign = own, assign
        self._size = profile.values(profile.config[assign.by].send)[assign.field].size or 1
        self._codec = Codec(profile)
        self.rules = self._rules()

    def _rules(self) -> AddressRules:
        title = {"en": self._profile.title, "zh": self._profile.title_zh or self._profile.title}
        last = 256 ** min(self._size, _BYTES) - 1
        broadcast = set() if self._own.broadcast is None else {self._number(self._own.broadcast)}
        reserved = set(self._assign.reserved_bytes)
        odd = (n for n in range(last + 1) if reserved & set(n.to_bytes(self._size)))
        return AddressRules(
            title,
            {"en": "", "zh": ""},
            self._profile.line.line,
            self._number(self._own.factory),
            1,
            last,
            frozenset([*odd, *broadcast]),
        )

    def text(self, unit: int) -> str:
        return str(self._raw(unit))

    async def look(self, unit: int) -> Presence:
        exchange = next(iter(self._profile.polls.values()))
        return self._judged(unit, exchange, await self._hear(exchange, unit, {}))[0]

    async def identify(self, unit: int) -> Identity:
        values: list[tuple[str, Value | None, str]] = []
        for exchange in self._profile.polls.values():
            presence, frame = self._judged(unit, exchange, await self._hear(exchange, unit, {}))
            if presence is not Presence.ONE or frame is None:
                raise LinkLost(
                    "unit {unit} gives no clear answer",
                    hint="look at the plug and the supply; only one new device may be on the wire",
                    unit=self.text(unit),
                )
            values += self._values(frame)
        return Identity("", values)

    async def held(self, unit: int) -> int | None:  # noqa: ARG002  no message asks for it
        return None

    async def assign(self, old: int, new: int) -> None:
        if not self.rules.allows(new):
            raise ValueError(f"{new} is no address for {self._name}")
        exchange = self._profile.config[self._assign.by]
        await self._hear(exchange, old, {self._assign.field: self._raw(new)})

    def taken(self, devices: Sequence[tuple[Device, Host]]) -> Mapping[int, str]:
        stations = [Station.of(device, host) for device, host in devices]
        return {
            self._number(one.address): one.device
            for one in stations
            if one.address is not None and one.profile.frame == self._profile.frame
        }

    def options(self, unit: int) -> Mapping[str, str | int]:
        raw = self._raw(unit)
        return {"profile": self._name, "address": raw if isinstance(raw, int) else str(raw)}

    def _raw(self, unit: int) -> Raw:
        if isinstance(self._own.factory, int):
            return unit
        return unit.to_bytes(self._size).hex().upper()

    def _number(self, raw: Raw) -> int:
        return int(raw, 16) if isinstance(raw, str) else int(raw)

    async def _hear(self, exchange: Exchange, unit: int, fields: Mapping[str, Raw]) -> bytes:
        """All that came within the time for an answer, without an echo of the request."""
        request = self._codec.build(exchange.send, {**fields, self._own.field: self._raw(unit)})
        heard = bytearray()

        def listen(now: bytearray) -> None:
            heard[:] = now

        timing = self._profile.timing
        async with self._wire.turn(None, timing.guard) as turn:
            try:
                await turn.ask(request, listen, timing.timeout)
            except LinkLost as error:
                if error.reason in WIRE_GONE or error.reason == "no_echo":
                    raise
        return bytes(heard)

    def _judged(self, unit: int, exchange: Exchange, heard: bytes) -> tuple[Presence, Frame | None]:
        if not heard:
            return Presence.SILENT, None
        first = [name for name in (exchange.answer, exchange.refusal) if name]
        sifted = self._codec.sift(heard, first, final=True)
        frames = [f for f in sifted.frames if f.fields.get(self._own.field) == self._raw(unit)]
        if sifted.noise or sifted.used < len(heard) or len(frames) > 1:
            return Presence.SEVERAL, None
        return (Presence.ONE, frames[0]) if frames else (Presence.SILENT, None)

    def _values(self, frame: Frame) -> list[tuple[str, Value | None, str]]:
        return [
            (name, decoder(point)(frame.fields[point.field])[0], point.unit)
            for name, point in self._profile.points.items()
            if point.field in frame.fields
        ]
