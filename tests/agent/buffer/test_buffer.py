"""The buffer as the stages around it see it."""

import asyncio
import logging
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from agent.buffer import Limits
from agent.contract import EVENTS, MEDIA, TELEMETRY, Lane, Misconfigured, Outbox, Pack, Ranges, Skip
from tests.support_buffer import Site, contents, drain


async def next_pack(outbox: Outbox, stream: str, lane: Lane, limit: int = 100) -> Pack:
    pack = await outbox.owed(stream, lane, limit)
    assert pack is not None
    return pack


async def test_what_was_flushed_is_there_after_a_restart_and_still_owed(site: Site) -> None:
    async with site.open() as buffer:
        epoch = buffer.epoch
        await buffer.put([*site.readings(250), site.event(7)])
        await buffer.flush()
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        packs = [*await drain(outbox, TELEMETRY), *await drain(outbox, EVENTS)]
        assert buffer.epoch != epoch
    found = contents(packs)
    assert [found[TELEMETRY, epoch, n] for n in range(1, 251)] == list(range(250))
    assert found[EVENTS, epoch, 1] == site.event(7)
    assert all(pack.again for pack in packs), "sent or not, nobody knows after a restart"


async def test_settled_is_settled_also_after_a_restart(site: Site) -> None:
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        await buffer.put(site.readings(10))
        await buffer.flush()
        await outbox.settle(await next_pack(outbox, TELEMETRY, Lane.LIVE, 4))
    async with site.open() as buffer:
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.head, law.settled, law.owed, law.holds) == (10, 4, 6, True)
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        assert (await next_pack(outbox, TELEMETRY, Lane.BACKLOG)).first == 5


async def test_new_records_wake_the_uplink_and_go_live(site: Site) -> None:
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        await buffer.put(site.readings(5))
        await buffer.flush()
        await outbox.begin()
        await outbox.changed()
        waiter = asyncio.create_task(outbox.changed())
        await buffer.put(site.readings(3, start=100))
        await buffer.flush()
        await waiter
        live = await next_pack(outbox, TELEMETRY, Lane.LIVE)
        assert (live.first, live.last, list(live.columns[0].values)) == (6, 8, [100, 101, 102])
        backlog = await next_pack(outbox, TELEMETRY, Lane.BACKLOG)
        assert (backlog.first, backlog.last, backlog.again) == (1, 5, False)


async def test_a_pack_spans_batches_and_starts_within_one(site: Site) -> None:
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        for start in range(0, 50, 10):
            await buffer.put(site.readings(10, start=start))
            await buffer.flush()
        await outbox.begin()
        packs = await drain(outbox, TELEMETRY, limit=17)
    assert [(pack.first, pack.last) for pack in packs] == [(1, 17), (18, 34), (35, 50)]
    assert list(contents(packs).values()) == list(range(50))


async def test_each_epoch_names_the_one_before_that_said_anything_in_the_stream(site: Site) -> None:
    names = []
    for count in (3, 0, 2):
        async with site.open() as buffer:
            names.append(buffer.epoch)
            await buffer.put(site.readings(count))
            if count == 0:
                await buffer.put([site.event()])
            await buffer.flush()
            outbox = buffer.outbox("cloud")
            await outbox.begin()
            packs = [*await drain(outbox, TELEMETRY), *await drain(outbox, EVENTS)]
    previous = {(pack.epoch, pack.stream): pack.previous for pack in packs if pack.first == 1}
    assert previous == {(names[2], TELEMETRY): (names[0], 3)}


async def test_a_refused_pack_is_a_gap_that_is_announced(site: Site) -> None:
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        await buffer.put(site.readings(6))
        await buffer.flush()
        await outbox.refuse(await next_pack(outbox, TELEMETRY, Lane.LIVE, 4), "refused")
        await buffer.flush()
        (happening,) = (await next_pack(outbox, EVENTS, Lane.LIVE)).happenings
        epoch = buffer.epoch
    assert happening.event.kind == "gap"
    assert dict(happening.event.data) == {
        "uplink": "cloud",
        "epoch": epoch,
        "stream": TELEMETRY,
        "first": 1,
        "last": 4,
        "reason": "refused",
    }
    async with site.open() as buffer:
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.gap, law.owed, law.holds) == (4, 2, True)


async def test_a_replay_comes_in_packs_marked_again(site: Site) -> None:
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        await buffer.put(site.readings(20))
        await buffer.flush()
        await drain(outbox, TELEMETRY, Lane.LIVE)
        await outbox.owe(buffer.epoch, TELEMETRY, Ranges.parse("3-5,9,90-99"))
        await outbox.owe("no such epoch", TELEMETRY, Ranges.of(1, 5))
        packs = await drain(outbox, TELEMETRY)
    assert [(pack.first, pack.last, pack.again) for pack in packs] == [(3, 5, True), (9, 9, True)]
    assert list(contents(packs).values()) == [2, 3, 4, 8]


async def test_a_new_uplink_owes_all_that_is_stored_and_a_removed_one_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async with site.open("old") as buffer:
        await buffer.put(site.readings(8))
        await buffer.flush()
        await drain(buffer.outbox("old"), TELEMETRY, Lane.LIVE)
        late = buffer.outbox("late")
        await late.begin()
        assert len(contents(await drain(late, TELEMETRY))) == 8
    async with site.open("old", "late", "new") as buffer:
        owed = {name: buffer.law(name)[TELEMETRY].owed for name in ("old", "late", "new")}
    assert owed == {"old": 0, "late": 0, "new": 8}
    with caplog.at_level(logging.WARNING):
        async with site.open("new"):
            pass
    assert "uplink late is no longer configured" in caplog.text
    async with site.open("old") as buffer:
        assert buffer.law("old")[TELEMETRY].owed == 8


async def test_without_any_uplink_readings_are_stored_all_the_same(site: Site) -> None:
    async with site.open() as buffer:
        pass
    async with site.open(limits=Limits(flushes=1000)) as buffer:
        await buffer.put(site.readings(3))
        await buffer.flush()
        buffer_epoch = buffer.epoch
    with closing(sqlite3.connect(site.path)) as store:
        assert store.execute("SELECT epoch, first, last FROM batches").fetchall() == [
            (buffer_epoch, 1, 3)
        ]


async def test_a_second_service_on_the_same_folder_is_told_who_has_it(site: Site) -> None:
    async with site.open():
        with pytest.raises(Misconfigured, match=r"another fieldgate \(process \d+\) uses"):
            async with site.open():
                pass


async def test_a_store_of_a_newer_fieldgate_is_left_alone(site: Site) -> None:
    async with site.open():
        pass
    with closing(sqlite3.connect(site.path)) as store:
        store.execute("PRAGMA user_version = 99")
    with pytest.raises(Misconfigured, match="newer fieldgate"):
        async with site.open():
            pass


async def test_an_empty_run_leaves_no_trace(site: Site) -> None:
    for _ in range(3):
        async with site.open():
            pass
    with closing(sqlite3.connect(site.path)) as store:
        assert store.execute("SELECT count(*) FROM epoch").fetchone() == (1,)


async def test_readings_wait_for_the_group_and_events_do_not(site: Site) -> None:
    async with site.open(limits=Limits(commit_every=3600.0, flushes=1000)) as buffer:
        before = site.board.buffer.commits
        await buffer.put(site.readings(10))
        await asyncio.sleep(0.05)
        assert site.board.buffer.commits == before
        await buffer.put([site.event()])
        while site.board.buffer.commits == before:
            await asyncio.sleep(0.01)
        assert site.board.streams[TELEMETRY].appended == 10, "they ride with the event"


async def test_a_full_group_is_written_at_once(site: Site) -> None:
    limits = Limits(commit_every=3600.0, commit_records=50, flushes=1000)
    async with site.open(limits=limits) as buffer:
        await buffer.put(site.readings(50))
        while site.board.streams[TELEMETRY].appended < 50:
            await asyncio.sleep(0.01)


async def test_too_much_that_is_not_written_makes_put_wait(site: Site) -> None:
    limits = Limits(commit_every=3600.0, commit_records=1, flushes=1000)
    async with site.open(limits=limits) as buffer:
        await asyncio.gather(*(buffer.put(site.readings(3000)) for _ in range(5)))
        assert site.board.buffer.waits > 0
        await buffer.flush()
        stream = site.board.streams[TELEMETRY]
        assert (stream.taken, stream.appended, stream.discarded) == (15_000, 15_000, {})


async def test_the_board_tells_how_the_store_stands(site: Site) -> None:
    async with site.open() as buffer:
        await buffer.put(site.readings(40))
        await buffer.flush()
        while site.board.buffer.oldest == 0:
            await asyncio.sleep(0.05)
        board = site.board
        assert (board.buffer.epoch, board.buffer.records) == (buffer.epoch, 40)
        assert board.buffer.oldest == pytest.approx(site.clock.wall / 1e9)
        assert board.buffer.bytes > 0
        assert board.buffer.written > 0
        while not board.uplinks["cloud"].owed.get(TELEMETRY):
            await asyncio.sleep(0.05)
        assert board.uplinks["cloud"].owed == {TELEMETRY: 40, EVENTS: 0, MEDIA: 0}
        assert board.uplinks["cloud"].law == {TELEMETRY: True, EVENTS: True, MEDIA: True}


async def test_an_unreadable_batch_is_skipped_and_the_others_come(site: Site) -> None:
    async with site.open() as buffer:
        for start in (0, 10, 20):
            await buffer.put(site.readings(10, start=start))
            await buffer.flush()
        with closing(sqlite3.connect(site.path)) as store:
            store.execute("UPDATE batch SET body = zeroblob(9) WHERE key & 1099511627775 = 11")
            store.commit()
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        (pack,) = await drain(outbox, TELEMETRY)
        assert pack.skip == (Skip(11, 20, "unreadable"),)
        assert list(contents([pack]).values()) == [*range(10), *range(20, 30)]
        law = buffer.law("cloud")[TELEMETRY]
        assert (law.settled, law.skipped, law.holds) == (20, 10, True)


async def test_the_manifest_is_what_a_receiver_can_compute(site: Site) -> None:
    from hashlib import sha256

    async with site.open() as buffer:
        await buffer.put([*site.readings(3), site.event(7)])
        await buffer.flush()
        told = (await buffer.manifest())["epochs"][buffer.epoch]
    lines = "".join(f"{n}\tsoil-1/moisture\t{n - 1}\tgood\n" for n in (1, 2, 3))
    assert told[TELEMETRY] == {
        "first": 1,
        "last": 3,
        "count": 3,
        "from": 1,
        "sha256": sha256(lines.encode()).hexdigest(),
    }
    line = '1\ttest.happened\tsoil-1\t{"number":7}\n'
    assert told[EVENTS]["sha256"] == sha256(line.encode()).hexdigest()


def test_the_service_never_loads_sqlite_utils(site: Site) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from agent.buffer import Limits, open_buffer
from agent.clock import Clock
from agent.status import Board
async def main():
    async with open_buffer(Path(sys.argv[1]), Limits(), ["a"], Clock(), Board()):
        pass
asyncio.run(main())
assert "sqlite_utils" not in sys.modules and "pydantic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program, str(site.folder)], check=True)
