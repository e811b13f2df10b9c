"""What one device's packets become: readings and events. Pure: time and memory are handed in.

A packet is good when it is for this device, new by its counter, authentic where there is a key, and
whole. Everything else is refused and reported, each reason at once and then hourly with its count.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass

from agent.contract import Event, Instant, PointInfo, Quality, Reading, Record, Value
from drivers.ble.counters import Counter, Verdict
from drivers.ble.libraries import Decoded
from drivers.ble.packet import Packet, fresh
from drivers.ble.sight import Refused, Sight
from drivers.ble.station import Decoder, Station, plausible
from drivers.ble.vocabulary import RSSI

DOUBLE = "two_transmitters"  # the reason of an uncertain reading
COUNTER, TAG = "counter", "counter_of"  # keys of the host's memory
AGAIN = 3600.0  # s between two events for one reason
DOUBT = 600.0  # s that values are uncertain after two transmitters were heard
ECHO = 5.0  # s in which the same bytes are one button press
EARLY = 0.9  # of the period: a packet that comes a little before its beat is taken


@dataclass(frozen=True, slots=True)
class _Trust:
    quality: Quality = Quality.GOOD
    reason: str = ""


_GOOD = _Trust()


class Intake:
    """Of one device. Seconds are those of the boot-time clock."""

    def __init__(
        self, station: Station, decoder: Decoder, state: MutableMapping[str, str], now: float
    ) -> None:
        self._station, self._decoder, self._state = station, decoder, state
        self._infos = {info.id: info for info in station.catalogue}
        self._counter: Counter | None = None
        self._before: Packet | None = None
        self._heard = now
        self._doubted = self._pressed = float("-inf")
        self._told: dict[str, tuple[float, Value | None]] = {}  # point -> when, what
        self._complaints: dict[str, tuple[float, int]] = {}  # reason -> when told, how many since

    @property
    def due(self) -> float:
        """When the device will have been silent for too long."""
        return self._heard + self._station.settings.quiet

    def start(self, now: float) -> None:
        """The radio is on again: silence counts from here."""
        self._heard = now

    def silent(self, at: Instant) -> list[Record]:
        """Once it is due, and again each time: bad, never the last value."""
        self._heard = _seconds(at)
        self._told.clear()
        return [self._bad(info, at, "silent") for info in self._infos.values()]

    def hear(self, packet: Packet, at: Instant) -> list[Record]:
        before, self._before = self._before, packet
        try:
            sight = self._decoder.look(fresh(before, packet))
            if sight is None:
                return []
            return self._judged(before, packet, sight, at)
        except Refused as refused:
            return self._complain("ble.refused", refused.reason, at)

    def _judged(
        self, before: Packet | None, packet: Packet, sight: Sight, at: Instant
    ) -> list[Record]:
        self._check(sight)
        now = _seconds(at)
        counter = self._counter_for(sight)
        if _is_repeated(counter, sight, now):
            return []
        decoded = self._decoder.decode(fresh(before, packet), sight)
        trust, events = self._trusted(sight, counter, at)
        if trust is None:
            return events
        self._heard = now
        presses: list[Record] = []
        if trust is _GOOD and not self._is_echo(before, packet, sight, now):
            presses = [
                Event("ble.pressed", self._station.device.id, at, {"key": key, "action": action})
                for key, action in decoded.presses.items()
            ]
        return [*events, *self._readings(decoded, packet.rssi, trust, at), *presses]

    def _check(self, sight: Sight) -> None:
        sight.check_owner(self._station.settings.address)
        if sight.encrypted and self._station.key is None:
            raise Refused("no_key")
        if self._station.settings.key_file is not None and not sight.encrypted:
            raise Refused("plain")

    def _counter_for(self, sight: Sight) -> Counter | None:
        """Only counters that a key proves are remembered across a restart."""
        if sight.counter is None or self._counter is not None:
            return self._counter
        proven = sight.encrypted and sight.bits == 32
        last = None
        if proven and self._state.get(TAG) == self._station.tag:
            last = int(self._state[COUNTER]) if self._state.get(COUNTER, "").isdigit() else None
        self._counter = Counter(sight.bits, proven=proven, last=last)
        return self._counter

    def _trusted(
        self, sight: Sight, counter: Counter | None, at: Instant
    ) -> tuple[_Trust | None, list[Record]]:
        """None: what it says is not taken, as a proven series goes on beside it. Raises Refused
        for an authentic packet from before."""
        if counter is None or sight.counter is None:
            return _GOOD, []
        now = _seconds(at)
        verdict = counter.take(sight.counter, now)
        if counter.proven:
            self._state[COUNTER], self._state[TAG] = str(counter.last), self._station.tag
        if verdict is Verdict.OLD:
            raise Refused("replay" if counter.proven else "old")
        if verdict is Verdict.RESTARTED:
            events = self._complain("ble.counter_restarted", "counter_restarted", at)
            return _Trust(Quality.UNCERTAIN, "counter_restarted"), events
        if verdict is Verdict.DOUBLE:
            self._doubted = now
            events = self._complain("ble.two_transmitters", "double", at)
            return None if counter.proven else _Trust(Quality.UNCERTAIN, DOUBLE), events
        if not counter.proven and now - self._doubted < DOUBT:
            return _Trust(Quality.UNCERTAIN, DOUBLE), []
        return _GOOD, []

    def _is_echo(self, before: Packet | None, packet: Packet, sight: Sight, now: float) -> bool:
        """Without a counter, the same bytes soon after are the same press."""
        if sight.counter is not None:
            return False
        when, self._pressed = self._pressed, now
        return before is not None and before.services == packet.services and now - when < ECHO

    def _readings(
        self, decoded: Decoded, rssi: int | None, trust: _Trust, at: Instant
    ) -> list[Record]:
        found: list[Record] = []
        for point, key in self._station.wanted.items():
            info = self._infos[point]
            if point == RSSI:
                if rssi is not None and found and self._is_due(info, rssi, at):
                    found.append(self._reading(info, rssi, trust, at))
            elif key in decoded.values and self._is_due(info, decoded.values[key], at):
                found.append(self._reading(info, decoded.values[key], trust, at))
        return found

    def _is_due(self, info: PointInfo, value: Value | None, at: Instant) -> bool:
        """States as they change, the rest once a period."""
        now = _seconds(at)
        when, before = self._told.get(info.id, (float("-inf"), None))
        changed = info.kind == "state" and value != before
        if not changed and now - when < self._station.device.every * EARLY:
            return False
        self._told[info.id] = (now, value)
        return True

    def _reading(self, info: PointInfo, value: Value | None, trust: _Trust, at: Instant) -> Reading:
        if value is None:
            return self._bad(info, at, "sensor_fault")
        quality, reason = trust.quality, trust.reason
        if trust is _GOOD and not plausible(info, value):
            quality, reason = Quality.UNCERTAIN, "range"
        return Reading(self._station.device.id, info.id, value, info.unit, at, quality, reason)

    def _bad(self, info: PointInfo, at: Instant, reason: str) -> Reading:
        return Reading(self._station.device.id, info.id, None, info.unit, at, Quality.BAD, reason)

    def _complain(self, kind: str, reason: str, at: Instant) -> list[Record]:
        """The event, unless that reason was told within the hour; then it is counted."""
        now = _seconds(at)
        when, count = self._complaints.get(reason, (float("-inf"), 0))
        if now - when < AGAIN:
            self._complaints[reason] = (when, count + 1)
            return []
        self._complaints[reason] = (now, 0)
        return [Event(kind, self._station.device.id, at, {"reason": reason, "count": count + 1})]


def _is_repeated(counter: Counter | None, sight: Sight, now: float) -> bool:
    if counter is None or sight.counter is None:
        return False
    return counter.judge(sight.counter, now) is Verdict.REPEATED


def _seconds(at: Instant) -> float:
    return at.mono / 1e9
