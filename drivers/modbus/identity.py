"""Is this still the device that was here before the silence?

Registers that a device never changes are read at the first answer and after every silence, and
compared with what is remembered. Readings of a stranger are `uncertain` until somebody says that
it is meant: unit ids get mixed up when devices are unplugged and plugged in again.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import replace

from agent.contract import Quality, Reading, Value
from drivers.modbus import codec
from drivers.modbus.decode import decoder
from drivers.modbus.planner import Block
from drivers.modbus.station import Station

log = logging.getLogger(__name__)

REASON = "identity"
Values = Mapping[str, Value | None]

_KEY = "identity"  # in the device's memory

Ask = Callable[[codec.Request], Awaitable[tuple[int, bytes]]]
"""Returns (exception code or 0, data). Raises LinkLost."""


class Identity:
    """Of one device. `sure` until the next silence."""

    def __init__(self, device: str, station: Station, state: MutableMapping[str, str]) -> None:
        self.sure = not station.profile.identity
        self._device, self._unit, self._state = device, station.unit, state
        self._points = station.profile.identity
        self._stranger: Values = {}

    def doubt(self) -> None:
        """The device was silent: another may answer in its place."""
        self.sure = not self._points

    async def check(self, ask: Ask) -> None:
        """Once after each silence. A register that is refused says nothing. What differs is asked
        twice, for a late answer may look like this one. Raises LinkLost."""
        if self.sure:
            return
        found = await self._read(ask)
        if self._changed(found):
            found = await self._read(ask)
        self.sure = True
        self._judge(found)

    def mark(self, readings: list[Reading]) -> list[Reading]:
        """What a stranger measured is not known to be what the point stands for."""
        if not self._stranger:
            return readings
        return [
            replace(reading, quality=Quality.UNCERTAIN, reason=REASON)
            if reading.quality is Quality.GOOD
            else reading
            for reading in readings
        ]

    def accept(self) -> None:
        """Whoever answers next is meant."""
        self._state.pop(_KEY, None)
        self._stranger = {}
        self.doubt()

    async def _read(self, ask: Ask) -> Values:
        found: dict[str, Value | None] = {}
        for name, point in self._points.items():
            block = Block(point.table, point.address, point.width)
            code, data = await ask(codec.read(self._unit, block))
            if not code:
                found[name] = decoder(point)(data, 0)[0]
        return found

    def _known(self) -> Values:
        return dict(json.loads(self._state.get(_KEY, "{}")))

    def _changed(self, found: Values) -> Values:
        known = self._known()
        return {name: v for name, v in found.items() if name in known and known[name] != v}

    def _judge(self, found: Values) -> None:
        changed = self._changed(found)
        if changed and changed != self._stranger:
            name, value = next(iter(changed.items()))
            log.warning(
                "%s: another device answers: %s was %s and is %s; its readings are uncertain "
                "until `fieldgate replace %s`",
                self._device, name, self._known()[name], value, self._device,
            )  # fmt: skip
        elif self._stranger and not changed:
            log.info("%s: the device that was known answers again", self._device)
        self._stranger = changed
        if found and not changed:
            self._state[_KEY] = json.dumps({**self._known(), **found})
