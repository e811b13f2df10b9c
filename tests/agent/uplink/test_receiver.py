"""What the receiver's ledger can prove from packs alone."""

import json

import pytest

from agent.contract import EVENTS, TELEMETRY, Lane, Ranges, Skip
from agent.uplink.formats.arrival import Arrival, Occurrence, Sample
from agent.uplink.receiver import Receiver


def arrival(
    first: int,
    last: int,
    *,
    epoch: str = "e",
    skip: str = "",
    again: bool = False,
    previous: tuple[str, int] | None = None,
    value: int = 0,
    at: int = 0,
    estimated: bool = False,
) -> Arrival:
    skips = tuple(Skip(a, b, "evicted") for a, b in Ranges.parse(skip))
    members = (Ranges.of(first, last) - Ranges.parse(skip)).numbers()
    samples = tuple(Sample("d", "p", n + value, "", at, estimated=estimated) for n in members)
    return Arrival("g", epoch, TELEMETRY, first, last, skips, again, previous, samples=samples)


def gap(number: int, first: int, last: int, uplink: str = "cloud") -> Arrival:
    data = {"uplink": uplink, "epoch": "e", "stream": TELEMETRY, "reason": "evicted"}
    event = Occurrence("gap", "buffer", {**data, "first": first, "last": last}, 0)
    return Arrival("g", "e", EVENTS, number, number, occurrences=(event,))


def test_a_number_is_lost_only_if_neither_received_nor_skipped_nor_a_gap() -> None:
    receiver = Receiver("cloud")
    receiver.take(arrival(1, 4, skip="3"), Lane.LIVE, 0)
    receiver.take(arrival(9, 10), Lane.LIVE, 0)
    assert receiver.missing("g") == {("e", TELEMETRY): Ranges.of(5, 8)}
    receiver.take(gap(1, 6, 7), Lane.LIVE, 0)
    assert receiver.missing("g") == {("e", TELEMETRY): Ranges.parse("5,8")}
    receiver.take(arrival(5, 8, skip="6-7", again=True), Lane.BACKLOG, 0)
    assert receiver.lost == 0


def test_another_uplinks_gap_excuses_nothing() -> None:
    receiver = Receiver("cloud")
    receiver.take(arrival(3, 4), Lane.LIVE, 0)
    receiver.take(gap(1, 1, 1, uplink="other"), Lane.LIVE, 0)
    receiver.take(gap(2, 2, 2, uplink=""), Lane.LIVE, 0)
    assert receiver.missing("g") == {("e", TELEMETRY): Ranges.of(1, 1)}


def test_the_end_of_an_epoch_is_known_from_the_beginning_of_the_next() -> None:
    receiver = Receiver()
    receiver.take(arrival(1, 4, epoch="a"), Lane.LIVE, 0)
    receiver.take(arrival(1, 2, epoch="b", previous=("a", 7)), Lane.LIVE, 0)
    assert receiver.missing("g") == {("a", TELEMETRY): Ranges.of(5, 7)}
    receiver.take(arrival(1, 2, epoch="d", previous=("never heard of", 3)), Lane.LIVE, 0)
    assert receiver.lost == 6


def test_a_manifest_reveals_a_lost_tail() -> None:
    receiver = Receiver()
    receiver.take(arrival(1, 4), Lane.LIVE, 0)
    receiver.expect("g", "e", TELEMETRY, 6)
    assert receiver.lost == 2


def test_two_epochs_with_one_predecessor_reveal_a_clone_and_two_beginnings_a_new_store() -> None:
    receiver = Receiver()
    receiver.take(arrival(1, 4, epoch="a"), Lane.LIVE, 0)
    receiver.take(arrival(1, 1, epoch="b", previous=("a", 4)), Lane.LIVE, 0)
    receiver.take(arrival(1, 1, epoch="b", previous=("a", 4)), Lane.LIVE, 0)
    assert receiver.clones("g") == {}
    receiver.take(arrival(1, 1, epoch="c", previous=("a", 4)), Lane.LIVE, 0)
    assert receiver.clones("g") == {"a": ["b", "c"]}
    receiver.take(arrival(1, 1, epoch="z"), Lane.LIVE, 0)
    assert receiver.clones("g") == {"a": ["b", "c"], "": ["a", "z"]}


def test_a_repetition_is_a_duplicate_and_other_content_a_conflict() -> None:
    receiver = Receiver()
    receiver.take(arrival(1, 4), Lane.LIVE, 0)
    assert receiver.take(arrival(3, 6, again=True), Lane.BACKLOG, 0).new == Ranges.of(5, 6)
    verdict = receiver.take(arrival(5, 6, again=True, value=1), Lane.BACKLOG, 0)
    assert (verdict.duplicates, verdict.conflicts) == (2, 2)
    assert (receiver.report()["duplicates"], receiver.report()["conflicts"]) == (4, 2)


@pytest.mark.parametrize(
    ("first", "second", "conflicts"),
    [(False, False, 1), (True, False, 0), (False, True, 0), (True, True, 0)],
)
def test_only_an_estimated_time_may_be_corrected(first: bool, second: bool, conflicts: int) -> None:
    receiver = Receiver()
    receiver.take(arrival(1, 1, at=5, estimated=first), Lane.LIVE, 0)
    receiver.take(arrival(1, 1, at=6, estimated=second, again=True), Lane.BACKLOG, 0)
    assert receiver.report()["conflicts"] == conflicts
    third = receiver.take(arrival(1, 1, at=7, again=True), Lane.BACKLOG, 0)
    assert third.conflicts == (0 if first and second else 1), "a trusted time was seen before"


def test_a_million_keys_are_remembered_and_no_more_is_promised() -> None:
    receiver = Receiver(keys=4096)
    for first in range(1, 40_000, 1000):
        receiver.take(arrival(first, first + 999), Lane.LIVE, 0)
    assert receiver.take(arrival(36_001, 40_000, value=1), Lane.BACKLOG, 0).conflicts == 4000
    assert receiver.take(arrival(1, 1000, value=1), Lane.BACKLOG, 0).conflicts == 0
    assert receiver.report()["unchecked"] == 1000


@pytest.mark.parametrize(
    ("lane", "again", "disorder"),
    [
        (Lane.LIVE, False, 1),
        (Lane.LIVE, True, 1),
        (Lane.BACKLOG, False, 1),
        (Lane.BACKLOG, True, 0),
    ],
)
def test_stepping_back_is_for_the_backlog_alone_and_only_again(
    lane: Lane, again: bool, disorder: int
) -> None:
    receiver = Receiver()
    receiver.take(arrival(5, 6), lane, 0)
    receiver.take(arrival(1, 2, again=again), lane, 0)
    receiver.take(arrival(7, 8), lane, 0)
    assert receiver.report()["disorder"] == disorder


def test_a_brokers_repetition_is_no_disorder() -> None:
    receiver = Receiver()
    for first in (1, 3, 5, 1, 3, 5, 7):
        receiver.take(arrival(first, first + 1), Lane.LIVE, 0)
    assert receiver.report()["disorder"] == 0
    assert receiver.report()["duplicates"] == 6


def test_who_joins_late_misses_only_what_came_after() -> None:
    receiver = Receiver(whole=False)
    receiver.take(arrival(1, 50, epoch="old", again=True), Lane.BACKLOG, 0)
    receiver.take(arrival(101, 110), Lane.LIVE, 0)
    receiver.take(arrival(121, 130), Lane.LIVE, 0)
    assert receiver.missing("g") == {("e", TELEMETRY): Ranges.of(111, 120)}
    receiver.take(arrival(1, 5, epoch="next", previous=("e", 133)), Lane.LIVE, 0)
    assert receiver.missing("g") == {("e", TELEMETRY): Ranges.parse("111-120,131-133")}


def test_the_report_is_plain_values_with_delays_of_trusted_times() -> None:
    receiver = Receiver()
    receiver.take(arrival(1, 3, at=1000), Lane.LIVE, 1250)
    receiver.take(arrival(4, 4, at=1, estimated=True), Lane.LIVE, 1250)
    report = json.loads(json.dumps(receiver.report()))
    assert report["delay"]["live"] == {"p50": 250, "p99": 250, "max": 250}
    assert report["delay"]["backlog"] == {}
    stream = report["gateways"]["g"]["streams"][TELEMETRY]["e"]
    assert (stream["received"], stream["missing"]) == (4, "")
