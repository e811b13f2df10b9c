"""One planned read, and the readings that its answer becomes."""

import logging
import struct
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from agent.contract import Instant, Quality, Reading
from drivers.modbus.counter import Counter
from drivers.modbus.decode import Decoded, Decoder, Unreadable, decoder
from drivers.modbus.planner import Block
from drivers.modbus.profile import Point

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Field:
    """A point within a block. `at`: where it starts in the data, a byte or (coils) a bit."""

    name: str
    point: Point
    at: int
    decoder: Decoder
    unit: str
    modulus: int | None

    def words(self, data: bytes) -> str:
        """What the value came from, as hex; 0 or 1 for a coil."""
        if self.point.is_bit:
            return str(data[self.at >> 3] >> (self.at & 7) & 1)
        return data[self.at : self.at + 2 * self.point.width].hex(" ", 2).upper()

    def registers(self, data: bytes) -> tuple[int, ...]:
        """In the order of the wire."""
        return struct.unpack_from(f">{self.point.width}H", data, self.at)


class Sample:
    def __init__(self, device: str, block: Block, points: Mapping[str, Point]) -> None:
        self._device = device
        self.block = block
        step = 1 if block.bits else 2
        self.fields = [
            Field(
                name,
                point,
                (point.address - block.first) * step,
                decoder(point),
                point.unit,
                point.modulus,
            )
            for name, point in points.items()
        ]

    def readings(
        self, data: bytes, at: Instant, state: MutableMapping[str, str], *, warm: bool
    ) -> list[Reading]:
        """`state` keeps the counters. Unless the device is `warm`, nothing is better than
        uncertain."""
        found = []
        for field in self.fields:
            if field.modulus is None:
                value, quality, reason = field.decoder(data, field.at)
            else:
                value, quality, reason = self._count(field, field.modulus, data, state)
            if not warm and quality is Quality.GOOD:
                quality, reason = Quality.UNCERTAIN, "warm_up"
            found.append(Reading(self._device, field.name, value, field.unit, at, quality, reason))
        return found

    def bad(self, at: Instant, reason: str) -> list[Reading]:
        return [
            Reading(self._device, field.name, None, field.unit, at, Quality.BAD, reason)
            for field in self.fields
        ]

    def _count(
        self, field: Field, modulus: int, data: bytes, state: MutableMapping[str, str]
    ) -> Decoded:
        try:
            raw = field.decoder.raw(data, field.at)
        except Unreadable as error:
            return None, Quality.BAD, str(error)
        key = f"counter.{field.name}"
        before = Counter.from_text(state.get(key, ""))
        after = before.see(float(raw) if isinstance(raw, str) else raw, modulus)
        if after != before:
            state[key] = after.to_text()
        value, quality, reason = field.decoder.value(after.total)
        if after.resets == before.resets:
            return value, quality, reason
        log.warning(
            "%s: counter %s fell from %g to %g; it was reset, the total goes on from %s",
            self._device, field.name, before.shown, after.shown, value,
        )  # fmt: skip
        return value, Quality.UNCERTAIN, "counter_reset"


def samples(device: str, blocks: Sequence[Block], points: Mapping[str, Point]) -> list[Sample]:
    """Each point belongs to the first block that holds it."""
    left = dict(points)
    made = []
    for block in blocks:
        held = {name: point for name, point in left.items() if block.holds(point)}
        for name in held:
            del left[name]
        made.append(Sample(device, block, held))
    return made
