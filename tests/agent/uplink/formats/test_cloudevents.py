"""CloudEvents 1.0 in batches, there and back."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract import EVENTS, TELEMETRY, Event, Happening, Instant, Lane, Pack, Skip
from agent.uplink.formats.arrival import Occurrence
from agent.uplink.formats.cloudevents import CloudEvents, decode

NOW = 1_795_570_000_123  # ms
WAY = CloudEvents("gw-1")


def happening(
    kind: str = "device.lost",
    subject: str = "soil-1",
    time: int = NOW,
    estimated: bool = False,
    **data: Any,
) -> Happening:
    return Happening(Event(kind, subject, Instant("b", 1, 1, trusted=True), data), time, estimated)


def pack_of(*happenings: Happening, **more: Any) -> Pack:
    return Pack("e1", EVENTS, Lane.LIVE, 1, len(happenings), happenings=happenings, **more)


def events(pack: Pack) -> list[dict[str, Any]]:
    return list(json.loads(WAY.encode(pack, "c0ffee")))


def test_an_event_is_a_cloudevent() -> None:
    first, second = events(pack_of(happening(reason="timeout"), happening()))
    assert first == {
        "specversion": "1.0",
        "id": "e1/events/1",
        "source": "/gw-1",
        "type": "fieldgate.device.lost",
        "subject": "soil-1",
        "time": "2026-11-25T01:26:40.123Z",
        "data": {"reason": "timeout"},
        "fg": 1,
        "fgepoch": "e1",
        "fgseq": 1,
        "fgcat": "c0ffee",
        "fgfirst": 1,
        "fglast": 2,
    }
    assert (second["id"], second["fgseq"]) == ("e1/events/2", 2)
    assert "fgfirst" not in second


def test_attributes_are_named_and_typed_as_cloudevents_demand() -> None:
    pack = replace(
        pack_of(happening(estimated=True)),
        last=3,
        skip=(Skip(2, 3, "evicted"),),
        again=True,
        previous=("e0", 4),
    )
    (event,) = events(pack)
    assert event["fgskip"] == "2-3:evicted"
    assert event["fgagain"] is True
    assert event["fgprev"] == "e0/4"
    assert event["fgtq"] == "estimated"
    for name, value in event.items():
        assert re.fullmatch("[a-z0-9]{1,20}", name)
        assert isinstance(value, str | int | bool) or name == "data"


def test_numbers_skip_what_the_pack_skips() -> None:
    pack = replace(pack_of(happening(), happening()), last=4, skip=(Skip(2, 3, "filtered"),))
    assert [event["fgseq"] for event in events(pack)] == [1, 4]


def test_a_pack_without_members_is_one_event_that_accounts() -> None:
    empty = Pack("e1", EVENTS, Lane.BACKLOG, 4, 9, skip=(Skip(4, 9, "evicted"),))
    (event,) = events(empty)
    assert event["type"] == "fieldgate.account"
    assert "fgseq" not in event
    arrival = decode(WAY.encode(empty, ""))
    assert (arrival.first, arrival.last, arrival.occurrences) == (4, 9, ())


def test_what_is_not_finite_travels_as_text() -> None:
    (event,) = events(pack_of(happening(value=float("nan"))))
    assert event["data"] == {"value": "nan"}


def test_telemetry_is_refused() -> None:
    with pytest.raises(ValueError, match="readings"):
        WAY.encode(Pack("e1", TELEMETRY, Lane.LIVE, 1, 1), "")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[{}]", b"[1]", b'[{"fgfirst":1}]'])
def test_what_is_no_pack_of_ours_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  any wording will do
        decode(body)


HAPPENINGS = st.builds(
    lambda kind, subject, time, estimated, data: Happening(
        Event(kind, subject, Instant("b", 1, 1, trusted=True), data), time, estimated
    ),
    kind=st.from_regex("[a-z]{1,8}(\\.[a-z]{1,8})?", fullmatch=True),
    subject=st.text(max_size=12),
    time=st.integers(0, 4_102_444_800_000),
    estimated=st.booleans(),
    data=st.dictionaries(
        st.text(max_size=8),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(2**63), 2**63),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=12),
        ),
        max_size=4,
    ),
)


@given(st.lists(HAPPENINGS, max_size=6))
def test_what_is_sent_is_what_arrives(happenings: list[Happening]) -> None:
    last = len(happenings) + 1
    pack = replace(pack_of(*happenings), last=last, skip=(Skip(last, last, "class"),))
    arrival = decode(WAY.encode(pack, "c0ffee"))
    assert list(arrival.occurrences) == [
        Occurrence(h.event.kind, h.event.subject, h.event.data, h.time, h.estimated)
        for h in happenings
    ]
    assert list(arrival.members) == list(range(1, last))
