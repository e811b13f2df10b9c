"""What a cloud can prove from packs alone: what is missing, double, contradictory, out of order.

Pure; `fieldgate watch`, the demo and the tests feed it with what arrived.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from agent.contract import EVENTS, Lane, Ranges
from agent.uplink.fingerprints import Fingerprints
from agent.uplink.formats.arrival import Arrival, Occurrence

NONE = Ranges()
NEVER = 1 << 62
DELAYS = 1000  # of the live lane, the latest of which quantiles are made

Key = tuple[str, str, str]  # gateway, epoch, stream


@dataclass(slots=True)
class Ledger:
    """One stream of one epoch. `highest` is the highest number that anything speaks of."""

    received: Ranges = NONE
    skips: dict[str, Ranges] = field(default_factory=dict)  # reason -> numbers
    gaps: dict[str, Ranges] = field(default_factory=dict)
    floor: int = 1  # lower numbers are not missed
    highest: int = 0
    duplicates: int = 0
    conflicts: int = 0
    disorder: int = 0
    last: dict[Lane, int] = field(default_factory=dict)

    @property
    def skipped(self) -> Ranges:
        return Ranges.union(self.skips.values())

    @property
    def gap(self) -> Ranges:
        return Ranges.union(self.gaps.values())

    @property
    def accounted(self) -> Ranges:
        return self.received | self.skipped | self.gap

    @property
    def missing(self) -> Ranges:
        return Ranges.of(self.floor, self.highest) - self.accounted


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one arrival was: the numbers that were new, and what was wrong with it."""

    new: Ranges
    duplicates: int = 0
    conflicts: int = 0
    disorder: bool = False


class Receiver:
    """`uplink`: whose gaps count; "" for those of every uplink.

    `whole`: the receiver was there from the beginning, so that each number from 1 on must have
    come. Otherwise an epoch counts from the first number of it that is heard live.
    """

    def __init__(self, uplink: str = "", *, whole: bool = True, keys: int = 1 << 20) -> None:
        self._uplink = uplink
        self._whole = whole
        self._ledgers: dict[Key, Ledger] = {}
        # (gateway, stream, epoch) -> the epochs that call it their predecessor; "" : none
        self._successors: dict[Key, set[str]] = defaultdict(set)
        self._prints = Fingerprints(keys)
        self._delays: dict[Lane, deque[int]] = {lane: deque(maxlen=DELAYS) for lane in Lane}
        self.arrivals = 0
        self.unchecked = 0  # repetitions of records whose print was no longer kept

    def take(self, arrival: Arrival, lane: Lane, now: int) -> Verdict:
        """`now` in ms since 1970 UTC."""
        self.arrivals += 1
        key = (arrival.gateway, arrival.epoch, arrival.stream)
        ledger = self._known(*key)
        if lane is Lane.LIVE:
            ledger.floor = min(ledger.floor, arrival.first)
        members = Ranges.from_intervals((n, n) for n in arrival.members)
        known = members & ledger.received
        disorder = self._order(ledger, arrival, lane)
        conflicts = self._compare(key, arrival, known)
        self._enter(ledger, arrival, members)
        ledger.duplicates += len(known)
        ledger.conflicts += conflicts
        ledger.disorder += disorder
        self._chain(arrival)
        self._measure(arrival, lane, now)
        return Verdict(members - known, len(known), conflicts, disorder)

    def expect(self, gateway: str, epoch: str, stream: str, last: int) -> None:
        """Something else (manifest, status) says that the stream reaches `last`."""
        ledger = self._known(gateway, epoch, stream)
        ledger.highest = max(ledger.highest, last)

    def missing(self, gateway: str) -> dict[tuple[str, str], Ranges]:
        """(epoch, stream) -> the numbers to ask for again."""
        return {
            (epoch, stream): ledger.missing
            for (name, epoch, stream), ledger in self._ledgers.items()
            if name == gateway and ledger.missing
        }

    def ledger(self, gateway: str, epoch: str, stream: str) -> Ledger:
        """Raises KeyError when nothing was ever heard of it."""
        return self._ledgers[gateway, epoch, stream]

    @property
    def lost(self) -> int:
        """Numbers that were neither received nor skipped nor declared a gap."""
        return sum(len(ledger.missing) for ledger in self._ledgers.values())

    def clones(self, gateway: str) -> dict[str, list[str]]:
        """Epoch -> the epochs that all call it their predecessor: a store was copied or restored.

        "" stands for "no predecessor": a second beginning means that the store was replaced.
        """
        found: dict[str, set[str]] = defaultdict(set)
        for (name, _, epoch), successors in self._successors.items():
            if name == gateway and len(successors) > 1:
                found[epoch] |= successors
        return {epoch: sorted(successors) for epoch, successors in found.items()}

    def report(self) -> dict[str, Any]:
        """Plain values, ready for JSON; counts are records, delays are ms."""
        gateways = sorted({key[0] for key in self._ledgers})
        ledgers = self._ledgers.values()
        return {
            "arrivals": self.arrivals,
            "received": sum(len(ledger.received) for ledger in ledgers),
            "duplicates": sum(ledger.duplicates for ledger in ledgers),
            "unchecked": self.unchecked,
            "conflicts": sum(ledger.conflicts for ledger in ledgers),
            "disorder": sum(ledger.disorder for ledger in ledgers),
            "lost": self.lost,
            "delay": {lane.value: _quantiles(self._delays[lane]) for lane in Lane},
            "gateways": {name: self._report(name) for name in gateways},
        }

    def _report(self, gateway: str) -> dict[str, Any]:
        streams: dict[str, Any] = {}
        for (name, epoch, stream), ledger in self._ledgers.items():
            if name == gateway:
                streams.setdefault(stream, {})[epoch] = {
                    "received": len(ledger.received),
                    "highest": ledger.highest,
                    "skipped": {why: len(numbers) for why, numbers in ledger.skips.items()},
                    "gap": {why: len(numbers) for why, numbers in ledger.gaps.items()},
                    "duplicates": ledger.duplicates,
                    "conflicts": ledger.conflicts,
                    "disorder": ledger.disorder,
                    "missing": str(ledger.missing),
                }
        return {"streams": streams, "clones": self.clones(gateway)}

    def _known(self, gateway: str, epoch: str, stream: str) -> Ledger:
        key = (gateway, epoch, stream)
        if key not in self._ledgers:
            self._ledgers[key] = Ledger(floor=1 if self._whole else NEVER)
        return self._ledgers[key]

    def _order(self, ledger: Ledger, arrival: Arrival, lane: Lane) -> bool:
        """Whether the lane stepped back although it must not. A pack of which all is known is the
        broker's repetition, not a step."""
        whole = Ranges.of(arrival.first, arrival.last)
        before = ledger.last.get(lane, 0)
        ledger.last[lane] = max(before, arrival.last)
        if arrival.first > before or not whole - ledger.accounted:
            return False
        return lane is Lane.LIVE or not arrival.again

    def _compare(self, key: Key, arrival: Arrival, known: Ranges) -> int:
        different = 0
        for number, record in arrival.members.items():
            same = self._prints.same(key, number, record)
            if number in known:
                different += same is False
                self.unchecked += same is None
        return different

    def _enter(self, ledger: Ledger, arrival: Arrival, members: Ranges) -> None:
        ledger.received = ledger.received | members
        for skip in arrival.skip:
            numbers = Ranges.of(skip.first, skip.last)
            ledger.skips[skip.reason] = ledger.skips.get(skip.reason, NONE) | numbers
        ledger.highest = max(ledger.highest, arrival.last)
        if arrival.stream == EVENTS:
            for record in arrival.occurrences:
                if record.kind == "gap":
                    self._gap(arrival.gateway, record)

    def _gap(self, gateway: str, record: Occurrence) -> None:
        data = record.data
        if self._uplink and data.get("uplink") not in {"", self._uplink}:
            return
        numbers = Ranges.of(int(data.get("first", 1)), int(data.get("last", 0)))
        if not numbers:
            return
        ledger = self._known(gateway, str(data.get("epoch")), str(data.get("stream")))
        reason = str(data.get("reason"))
        ledger.gaps[reason] = ledger.gaps.get(reason, NONE) | numbers
        ledger.highest = max(ledger.highest, numbers.last)

    def _chain(self, arrival: Arrival) -> None:
        """The first pack of an epoch names the one before it, and so the end of that."""
        if arrival.first != 1:
            return
        before, last = arrival.previous or ("", 0)
        self._successors[arrival.gateway, arrival.stream, before].add(arrival.epoch)
        key = (arrival.gateway, before, arrival.stream)
        if before and (self._whole or key in self._ledgers):
            self.expect(*key, last)

    def _measure(self, arrival: Arrival, lane: Lane, now: int) -> None:
        delays = self._delays[lane]
        for record in arrival.members.values():
            if not record.estimated:
                delays.append(now - record.at)


def _quantiles(delays: deque[int]) -> dict[str, int]:
    if not delays:
        return {}
    ordered = sorted(delays)
    return {
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)],
        "max": ordered[-1],
    }
