"""The store stays within its bounds, and whatever goes is accounted for."""

import asyncio
import logging
import random
from collections.abc import Callable

import pytest

from agent.buffer import Buffer, Limits
from agent.contract import EVENTS, TELEMETRY, Event, Lane, LinkLost, Ranges, Reading, Record
from tests.support_buffer import Site, contents, drain

SMALL = Limits(max_size=10**6, flushes=1000)
DAY = 86400.0


def bulky(site: Site, count: int, start: int, size: int = 40) -> list[Record]:
    """Readings that compress badly, to `size` bytes each."""
    now = site.clock.now()
    noise = random.Random(start)
    texts = (noise.randbytes(size).hex() for _ in range(count))
    return [Reading("soil-1", "text", text, "", now) for text in texts]


async def fill(site: Site, buffer: Buffer, groups: int) -> None:
    for group in range(groups):
        await buffer.put(bulky(site, 200, group * 200))
        await buffer.flush()
        size = sum(f.stat().st_size for f in site.folder.glob("buffer.db*") if "shm" not in f.name)
        assert size <= SMALL.max_size


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.02)


async def test_the_oldest_go_when_the_bound_is_reached_and_are_told_as_gaps(site: Site) -> None:
    async with site.open(limits=SMALL) as buffer:
        outbox = buffer.outbox("cloud")
        await fill(site, buffer, 200)
        await buffer.put(site.readings(1))
        await buffer.flush()  # with what the last full group pushed out
        law = buffer.law("cloud")[TELEMETRY]
        assert law.head == 40_001
        assert law.gap > 10_000
        assert law.owed + law.gap == law.head
        assert law.holds
        await outbox.begin()
        events = contents(await drain(outbox, EVENTS))
        told = Ranges.union(
            Ranges.of(int(str(e.data["first"])), int(str(e.data["last"])))
            for e in events.values()
            if isinstance(e, Event) and e.data["reason"] == "evicted"
        )
        packs = await drain(outbox, TELEMETRY, limit=5000)
        assert not any(pack.skip for pack in packs)
        arrived = Ranges.from_intervals((p.first, p.last) for p in packs)
        assert told | arrived == Ranges.of(1, 40_001)
        assert site.board.buffer.evicted == len(told) == law.gap
    async with site.open(limits=SMALL) as buffer:
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.gap, law.owed, law.holds) == (len(told), 0, True)


async def test_what_everybody_has_goes_first_and_events_go_last(site: Site) -> None:
    async with site.open(limits=SMALL) as buffer:
        outbox = buffer.outbox("cloud")
        await buffer.put([site.event(n) for n in range(50)])
        await fill(site, buffer, 60)
        await drain(outbox, TELEMETRY, Lane.LIVE, 5000)
        await fill(site, buffer, 60)
        law = buffer.law("cloud")
        assert law[TELEMETRY].settled == 12_000
        assert site.board.buffer.records < 24_050, "some of the settled made way"
        assert law[TELEMETRY].gap == 0, "they were room enough"
        await fill(site, buffer, 100)
        law = buffer.law("cloud")
        assert law[TELEMETRY].gap > 0
        assert law[EVENTS].gap == 0


async def test_a_replay_of_what_is_no_longer_stored_comes_back_as_skipped(site: Site) -> None:
    async with site.open(limits=SMALL) as buffer:
        outbox = buffer.outbox("cloud")
        await fill(site, buffer, 10)
        await drain(outbox, TELEMETRY, Lane.LIVE, 5000)
        await fill(site, buffer, 120)
        await outbox.begin()
        await outbox.owe(buffer.epoch, TELEMETRY, Ranges.of(1, 400))
        pack = await outbox.owed(TELEMETRY, Lane.BACKLOG, 10)
        assert pack is not None
        assert (pack.first, pack.last, pack.again) == (1, 400, True)
        assert [(skip.first, skip.last, skip.reason) for skip in pack.skip] == [(1, 400, "evicted")]
        await outbox.settle(pack)
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.skipped, law.holds) == (400, True)
    async with site.open(limits=SMALL) as buffer:
        assert buffer.law("cloud")[TELEMETRY].skipped == 400


async def test_what_is_too_old_expires_sent_or_not(site: Site) -> None:
    limits = Limits(max_age=10 * DAY, flushes=1000)
    async with site.open(limits=limits) as buffer:
        await buffer.put(site.readings(10))
        await buffer.flush()
        site.clock.pass_by(20 * DAY)
        await buffer.put(site.readings(5))
        await buffer.flush()
    async with site.open(limits=limits) as buffer:
        await until(lambda: buffer.law("cloud")[TELEMETRY].gap > 0)
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.gap, law.owed, law.holds) == (10, 5, True)
        outbox = buffer.outbox("cloud")
        await buffer.flush()
        await outbox.begin()
        (event,) = contents(await drain(outbox, EVENTS)).values()
        assert isinstance(event, Event)
        assert event.data["reason"] == "expired"


async def test_a_clock_that_was_wrong_ages_nothing(site: Site) -> None:
    """Written in 1970 by a clock without battery; it got the time in the next run."""
    limits = Limits(max_age=10 * DAY, flushes=1000)
    right, site.clock.wall, site.clock.trusted = site.clock.wall, 0, False
    async with site.open(limits=limits) as buffer:
        await buffer.put(site.readings(10))
        await buffer.flush()
        site.clock.boot, site.clock.wall, site.clock.trusted = "boot-2", right, True
    for days in (0, 5, 15):
        site.clock.pass_by(days * DAY)
        async with site.open(limits=limits) as buffer:
            await buffer.put(site.readings(1))
            await buffer.flush()
            await asyncio.sleep(0.05)
            assert (buffer.law("cloud")[TELEMETRY].gap > 0) == (days == 15)


async def test_what_is_settled_stays_for_replay_as_long_as_was_asked_for(site: Site) -> None:
    limits = Limits(keep_settled=24.0, flushes=1000)
    async with site.open(limits=limits) as buffer:
        outbox = buffer.outbox("cloud")
        await buffer.put(site.readings(10))
        await buffer.flush()
        await drain(outbox, TELEMETRY, Lane.LIVE)
        await buffer.put(site.readings(1))
        await buffer.flush()
        site.clock.pass_by(10)
        await asyncio.sleep(1.2)
        site.clock.pass_by(20)
        await asyncio.sleep(1.2)
        assert site.board.buffer.records == 11
        site.clock.pass_by(10)
        await until(lambda: site.board.buffer.records == 1)
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.settled, law.gap, law.holds) == (10, 0, True)


async def set_room(buffer: Buffer, pages: int) -> None:
    """What SQLite then says of its file is what it says of a full disk."""
    committer = buffer._committer
    connection = committer._store._connection
    await committer._thread.call(connection.execute, f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_stops_nothing_and_loses_nothing_before_memory_is_full(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(flushes=1000, most_waiting=1000, commit_records=10)
    async with site.open(limits=limits) as buffer:
        await set_room(buffer, 1)
        for group in range(4):
            await buffer.put(bulky(site, 1000, group * 1000, size=600))
        with pytest.raises(LinkLost, match="the disk takes nothing"):
            await buffer.flush()
        with pytest.raises(LinkLost):
            await buffer.flush()
        stream = site.board.streams[TELEMETRY]
        assert "full" in site.board.buffer.error
        assert caplog.text.count("the disk refuses") == 1
        lost = stream.discarded["disk_full"]
        assert 0 < lost < 4000
        caplog.set_level(logging.INFO)
        await set_room(buffer, 10**6)
        await until(lambda: not site.board.buffer.error)
        await buffer.put(site.readings(1))
        await buffer.flush()
        assert "takes records again" in caplog.text
        assert stream.taken == 4001
        assert stream.taken == stream.appended + lost
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.head, law.gap, law.holds) == (4001, lost, True)
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        (event,) = contents(await drain(outbox, EVENTS)).values()
        assert isinstance(event, Event)
        assert (event.data["uplink"], event.data["reason"]) == ("", "disk_full")
        gap = Ranges.of(int(str(event.data["first"])), int(str(event.data["last"])))
        packs = await drain(outbox, TELEMETRY, limit=5000)
        arrived = Ranges.union(pack.range - pack.skipped for pack in packs)
        assert arrived == Ranges.of(1, 4001) - gap
    async with site.open() as buffer:
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.gap, law.owed, law.holds) == (lost, 0, True)


async def test_on_a_full_disk_what_everybody_has_makes_way(site: Site) -> None:
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        for group in range(12):
            await buffer.put(bulky(site, 200, group * 200, size=300))
            await buffer.flush()
        await drain(outbox, TELEMETRY, Lane.LIVE, 5000)
        await set_room(buffer, 1)
        for group in range(9):
            await buffer.put(bulky(site, 200, group * 200, size=300))
        await until(lambda: site.board.streams[TELEMETRY].appended == 4200)
        assert not site.board.streams[TELEMETRY].discarded
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.settled, law.gap, law.holds) == (2400, 0, True)
        await outbox.begin()
        packs = await drain(outbox, TELEMETRY, limit=5000)
        assert len(contents(packs)) == 1800


async def test_a_bound_that_is_lowered_gives_its_space_back(site: Site) -> None:
    async with site.open() as buffer:
        for group in range(30):
            await buffer.put(bulky(site, 200, group * 200, size=300))
            await buffer.flush()
    assert site.path.stat().st_size > SMALL.max_size
    for _ in range(2):
        async with site.open(limits=SMALL) as buffer:
            await buffer.put(site.readings(1))
            await buffer.flush()
            await until(lambda: buffer.law("cloud")[TELEMETRY].gap > 0)
    assert site.path.stat().st_size < SMALL.max_size
    async with site.open(limits=SMALL) as buffer:
        law = buffer.law("cloud")[TELEMETRY]
        assert law.holds
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        assert len(contents(await drain(outbox, TELEMETRY, limit=5000))) == law.owed > 1000


async def test_a_closed_buffer_takes_nothing_silently(site: Site) -> None:
    async with site.open() as buffer:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await buffer.put(site.readings(1))
