"""Gateways, brokers and receivers that may lose anything but what is on a disk.

The gateways' accounts and the receivers are the real ones; broker, disk and power are modelled.
What is claimed: the law holds at every step, no number ever has two contents, the live lane never
steps back, and once everything works again each number that a living store knows of has arrived,
was skipped or is a declared gap.
"""

import copy
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.buffer.account import Account, Taken
from agent.contract import EVENTS, STREAMS, TELEMETRY, Lane, Ranges, Skip
from agent.uplink.formats.arrival import Arrival, Occurrence, Sample
from agent.uplink.receiver import Receiver

UPLINKS = ("a", "b")
NONE = Ranges()
Record = Sample | Occurrence
uplinks, streams, lanes = st.sampled_from("aaab"), st.sampled_from(STREAMS), st.sampled_from(Lane)
which, few = st.integers(0, 7), st.integers(1, 4)
epochs, tokens = count(1), count(1)
happened: Counter[str] = Counter()


@dataclass
class Disk:
    """What survives a power cut."""

    heads: dict[tuple[str, str], int] = field(default_factory=dict)  # (epoch, stream)
    records: dict[tuple[str, str, int], Record] = field(default_factory=dict)
    owed: dict[tuple[str, str, str], Ranges] = field(default_factory=dict)
    gaps: dict[tuple[str, str, str], dict[str, Ranges]] = field(default_factory=dict)
    skips: dict[tuple[str, str, str], dict[str, Ranges]] = field(default_factory=dict)

    def stored(self, epoch: str, stream: str) -> Ranges:
        numbers = (n for e, s, n in self.records if (e, s) == (epoch, stream))
        return Ranges.from_intervals((n, n) for n in numbers)

    def previous(self, epoch: str, stream: str) -> tuple[str, int] | None:
        """The last epoch before that has any record of the stream."""
        known = [(e, n) for (e, s), n in self.heads.items() if s == stream and n]
        at = [e for e, _ in known].index(epoch)
        return known[at - 1] if at else None


@dataclass
class Session:
    connected: bool = False
    clean: bool = True  # how the one before ended
    flying: list[tuple[str, Taken, tuple[Skip, ...], bool]] = field(default_factory=list)
    recent: deque[tuple[str, str, Ranges]] = field(default_factory=lambda: deque(maxlen=3))


class Gateway:
    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.epoch = f"e{next(epochs)}"
        self.uncommitted: list[tuple[str, Record]] = []
        self.sessions = {uplink: Session() for uplink in UPLINKS}
        self.accounts = {(u, s): Account() for u in UPLINKS for s in STREAMS}
        for (uplink, stream), account in self.accounts.items():
            for (epoch, s), head in disk.heads.items():
                if s == stream:
                    key, stored = (uplink, stream, epoch), disk.stored(epoch, stream)
                    gaps, skips = disk.gaps.get(key), disk.skips.get(key)
                    account.restore(epoch, head, disk.owed[key], stored, gaps, skips)
            account.start(self.epoch)
        disk.heads |= {(self.epoch, stream): 0 for stream in STREAMS}
        self.save()

    def note(self, stream: str) -> None:
        token = next(tokens)
        event = stream == EVENTS
        record = Occurrence("note", f"{token}", {}, 0) if event else Sample("d", "p", token, "", 0)
        self.uncommitted.append((stream, record))

    def announce(self, uplink: str, epoch: str, stream: str, gap: Ranges, reason: str) -> None:
        for first, last in gap:
            data = {"uplink": uplink, "epoch": epoch, "stream": stream, "reason": reason}
            event = Occurrence("gap", "buffer", {**data, "first": first, "last": last}, 0)
            self.uncommitted.append((EVENTS, event))

    def commit(self) -> None:
        """One transaction; what was settled meanwhile rides in it."""
        for stream, record in self.uncommitted:
            self.disk.heads[self.epoch, stream] += 1
            self.disk.records[self.epoch, stream, self.disk.heads[self.epoch, stream]] = record
        self.uncommitted.clear()
        for (_, stream), account in self.accounts.items():
            account.appended(self.disk.heads[self.epoch, stream])
        self.save()

    def save(self) -> None:
        for (uplink, stream), account in self.accounts.items():
            for book in account:
                key = (uplink, stream, book.epoch)
                ahead = Ranges.of(book.head + 1, 1 << 62) if book.epoch == self.epoch else NONE
                self.disk.owed[key] = book.owed | ahead
                self.disk.gaps[key], self.disk.skips[key] = dict(book.gaps), dict(book.skips)

    def evict(self, stream: str, most: int) -> None:
        """The oldest records of a stream, but never the newest."""
        oldest = [key for key in self.disk.records if key[1] == stream][:-1][:most]
        for key in oldest:
            del self.disk.records[key]
            for uplink in UPLINKS:
                number = Ranges.of(key[2], key[2])
                gone = self.accounts[uplink, stream].evict(key[0], number, "evicted")
                self.announce(uplink, key[0], stream, gone, "evicted")
                happened["evicted while owed"] += bool(gone)
        self.commit()

    def pack(self, stream: str, taken: Taken) -> Arrival:
        whole = Ranges.of(taken.first, taken.last)
        stored = whole & self.disk.stored(taken.epoch, stream)
        assert taken.absent or stored == whole, "a pack of stored numbers has its records"
        records = [self.disk.records[taken.epoch, stream, n] for n in stored.numbers()]
        return Arrival(
            gateway="g",
            epoch=taken.epoch,
            stream=stream,
            first=taken.first,
            last=taken.last,
            skip=tuple(Skip(a, b, "evicted") for a, b in whole - stored),
            again=taken.again,
            previous=self.disk.previous(taken.epoch, stream) if taken.first == 1 else None,
            samples=tuple(r for r in records if isinstance(r, Sample)),
            occurrences=tuple(r for r in records if isinstance(r, Occurrence)),
        )

    def connect(self, uplink: str) -> None:
        old = self.sessions[uplink]
        again = [] if old.clean else list(old.recent)
        self.sessions[uplink] = Session(connected=True, clean=False, recent=old.recent)
        for stream in STREAMS:
            self.accounts[uplink, stream].begin()
        for stream, epoch, numbers in again:
            self.owe(uplink, epoch, stream, numbers)

    def owe(self, uplink: str, epoch: str, stream: str, numbers: Ranges) -> Ranges:
        stored = self.disk.stored(epoch, stream)
        owed = self.accounts[uplink, stream].owe(epoch, numbers, stored)
        happened["owed again"] += bool(owed)
        happened["owed again, not stored"] += bool(owed - stored)
        return owed

    def acknowledge(self, uplink: str, at: int) -> None:
        session = self.sessions[uplink]
        stream, taken, skip, _ = session.flying.pop(at)
        numbers = Ranges.of(taken.first, taken.last)
        account = self.accounts[uplink, stream]
        done = account.settle(taken.epoch, numbers, skip)
        assert not account.settle(taken.epoch, numbers, skip), "settling twice is once"
        session.recent.append((stream, taken.epoch, done))
        happened["settled"] += 1


@dataclass
class Broker:
    receiver: Receiver
    session: bool = True  # somebody subscribes; while not, it acknowledges with 0x10
    present: bool = True
    queue: list[tuple[Arrival, Lane]] = field(default_factory=list)

    def deliver(self, most: int, twice: bool) -> None:
        if self.present:
            batch, self.queue = self.queue[:most], self.queue[most:]
            for arrival, lane in batch * (2 if twice else 1):
                self.receiver.take(arrival, lane, 0)


class Delivery(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.gateways = [Gateway(Disk())]
        self.backup = Disk()
        self.brokers = {uplink: Broker(Receiver(uplink)) for uplink in UPLINKS}
        self.restored = False  # what only the replaced store knew is gone for good

    def pick(self, at: int) -> Gateway:
        return self.gateways[at % len(self.gateways)]

    @rule(at=which, uplink=uplinks, clean=st.booleans())
    def connect(self, at: int, uplink: str, clean: bool) -> None:
        self.pick(at).sessions[uplink].clean = clean
        self.pick(at).connect(uplink)

    @rule(at=which, stream=streams, many=st.integers(1, 9), commit=st.booleans())
    def append(self, at: int, stream: str, many: int, commit: bool) -> None:
        for _ in range(many):
            self.pick(at).note(stream)
        if commit:
            self.pick(at).commit()

    @rule(at=which, uplink=uplinks, stream=streams, lane=lanes, fresh=few, most=few)
    def publish(self, at: int, uplink: str, stream: str, lane: Lane, fresh: int, most: int) -> None:
        gateway = self.pick(at)
        if not gateway.sessions[uplink].connected:
            gateway.connect(uplink)
        self.append(at, stream, fresh * 2, commit=True)
        for _ in range(3):
            self.send(gateway, uplink, stream, lane, most)

    def send(self, gateway: Gateway, uplink: str, stream: str, lane: Lane, most: int) -> bool:
        taken = gateway.accounts[uplink, stream].take(lane, most)
        if taken:
            arrival = gateway.pack(stream, taken)
            broker, flying = self.brokers[uplink], gateway.sessions[uplink].flying
            broker.queue += [(arrival, lane)] if broker.session else []
            flying.append((stream, taken, arrival.skip, broker.session))
            happened[f"sent {lane}"] += 1
            happened["sent again"] += taken.again
        return taken is not None

    @rule(at=which, uplink=uplinks, one=which, many=few)
    def answer(self, at: int, uplink: str, one: int, many: int) -> None:
        """Some PUBACKs come, in any order; 0x10 holds."""
        gateway = self.pick(at)
        flying = gateway.sessions[uplink].flying
        for _ in range(min(many, len(flying))):
            at = one % len(flying)
            stream, taken, _, listened = flying[at]
            if listened:
                gateway.acknowledge(uplink, at)
                continue
            del flying[at]
            numbers = Ranges.of(taken.first, taken.last)
            gateway.accounts[uplink, stream].give_back(taken.epoch, numbers)
            happened["held"] += 1

    @rule(at=which, uplink=uplinks, stream=streams, lane=lanes)
    def refuse(self, at: int, uplink: str, stream: str, lane: Lane) -> None:
        gateway = self.pick(at)
        account = gateway.accounts[uplink, stream]
        if pack := account.take(lane, 2):
            gone = account.refuse(pack.epoch, Ranges.of(pack.first, pack.last), "refused")
            gateway.announce(uplink, pack.epoch, stream, gone, "refused")
            happened["refused"] += 1

    @rule(uplink=uplinks, most=st.integers(1, 6), twice=st.booleans())
    def deliver(self, uplink: str, most: int, twice: bool) -> None:
        self.brokers[uplink].deliver(most, twice)

    @rule(uplink=uplinks, present=st.booleans(), session=st.booleans())
    def receiver_comes_or_goes(self, uplink: str, present: bool, session: bool) -> None:
        queue = self.brokers[uplink].queue if session else []
        self.brokers[uplink] = Broker(self.brokers[uplink].receiver, session, present, queue)

    @rule(at=which, stream=streams, most=st.integers(1, 6))
    def evict(self, at: int, stream: str, most: int) -> None:
        self.pick(at).evict(stream, most)

    @rule(at=which, uplink=uplinks)
    def replay(self, at: int, uplink: str) -> None:
        for (epoch, stream), numbers in self.brokers[uplink].receiver.missing("g").items():
            self.pick(at).owe(uplink, epoch, stream, numbers)

    @rule(at=which, uplink=uplinks, kind=st.sampled_from(["broker", "power", "clone", "restore"]))
    def disaster(self, at: int, uplink: str, kind: str) -> None:
        happened[kind] += 1
        at %= len(self.gateways)
        disk = self.gateways[at].disk
        if kind == "broker":
            self.kill_broker(uplink, at)
        elif kind == "power":
            self.gateways[at] = Gateway(disk)
        elif kind == "clone" and len(self.gateways) < 3:
            self.gateways.append(Gateway(copy.deepcopy(disk)))
        elif kind == "restore":
            self.gateways[at], self.restored = Gateway(copy.deepcopy(self.backup)), True
        self.backup = self.backup if self.backup.heads else copy.deepcopy(disk)

    def kill_broker(self, uplink: str, kept: int) -> None:
        """It forgets what it acknowledged, and perhaps who subscribed; all connections break."""
        broker = self.brokers[uplink]
        broker.session = kept > 1
        broker.queue = broker.queue[:kept] if broker.session else []
        for gateway in self.gateways:
            gateway.sessions[uplink].connected = False

    @invariant()
    def the_law_holds(self) -> None:
        for gateway in self.gateways:
            for account in gateway.accounts.values():
                assert account.law().holds
                assert all(not book.flight - book.owed for book in account)

    @invariant()
    def nothing_contradicts_and_the_lanes_keep_their_order(self) -> None:
        happened["step"] += 1
        for report in (broker.receiver.report() for broker in self.brokers.values()):
            assert report["conflicts"] == report["disorder"] == report["unchecked"] == 0

    def teardown(self) -> None:
        """Everything works again: what living stores know of has arrived or is accounted for."""
        for uplink, broker in self.brokers.items():
            broker.present = broker.session = True
            self.heal(uplink, broker)
            missing = broker.receiver.missing("g")
            assert self.restored or not missing
            for gateway in self.gateways:
                for (epoch, stream), head in gateway.disk.heads.items():
                    assert not missing.get((epoch, stream), NONE) & Ranges.of(1, head)
        self.the_law_holds()

    def heal(self, uplink: str, broker: Broker) -> None:
        """Replay until nothing more comes of it: an epoch may reveal the one before."""
        for gateway in self.gateways:
            gateway.note(TELEMETRY)
            gateway.note(EVENTS)
            gateway.commit()
        wanted: object = None
        while wanted != broker.receiver.missing("g"):
            wanted = broker.receiver.missing("g")
            for gateway in self.gateways:
                gateway.connect(uplink)
                self.replay(self.gateways.index(gateway), uplink)
                self.drain(gateway, uplink)

    def drain(self, gateway: Gateway, uplink: str) -> None:
        for stream in STREAMS:
            for lane in Lane:
                while self.send(gateway, uplink, stream, lane, 5):
                    gateway.acknowledge(uplink, 0)
                    assert gateway.accounts[uplink, stream].law().holds
        self.brokers[uplink].deliver(1 << 30, False)


Delivery.TestCase.settings = settings(
    max_examples=300,
    stateful_step_count=60,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_what_was_promised_holds_for_ten_thousand_steps_of_every_kind() -> None:
    Delivery.TestCase().runTest()
    assert happened["step"] >= 10_000
    assert not [what for what, times in happened.items() if times < 10], happened
    assert len(happened) == 14
