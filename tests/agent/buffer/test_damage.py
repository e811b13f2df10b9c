"""A damaged store is put aside, and what can be read of it goes on."""

import asyncio
import random
import sqlite3
from contextlib import closing

import pytest

from agent.contract import EVENTS, TELEMETRY, Event, LinkLost, Misconfigured, Ranges
from agent.status import Board
from tests.support_buffer import Site, contents, drain

PAGE = 512


async def filled(site: Site, groups: int = 60) -> str:
    """Returns the epoch; each batch of ten readings takes a page or more."""
    noise = random.Random(1)
    async with site.open() as buffer:
        for group in range(groups):
            records = site.readings(10, start=group * 10)
            await buffer.put(
                [*records, Event("noise", noise.randbytes(300).hex(), site.clock.now(), {})]
            )
            await buffer.flush()
        return buffer.epoch


async def everything(site: Site) -> tuple[dict[tuple[str, str, int], object], list[Event]]:
    """What an uplink gets, and the events that the buffer itself made."""
    async with site.open() as buffer:
        await buffer.flush()
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        packs = [*await drain(outbox, TELEMETRY), *await drain(outbox, EVENTS)]
        assert all(law.holds for law in buffer.law("cloud").values())
    found = contents(packs)
    events = [e for e in found.values() if isinstance(e, Event) and e.subject == "buffer"]
    return found, events


def spoil(site: Site, page: int) -> None:
    with site.path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(random.Random(page).randbytes(PAGE))


def page_of(site: Site, first: int) -> int:
    """Where a reading's batch is: the leaf that holds it."""
    with closing(sqlite3.connect(site.path)) as store:
        (body,) = store.execute(
            "SELECT body FROM batch WHERE key = ?", (1 << 43 | first,)
        ).fetchone()
    return site.path.read_bytes().index(body) // PAGE


@pytest.mark.parametrize("first", [11, 291, 591])
async def test_one_bad_page_costs_its_own_batches_and_they_are_told(site: Site, first: int) -> None:
    epoch = await filled(site)
    spoil(site, page_of(site, first))
    found, told = await everything(site)
    there = {n for stream, e, n in found if stream == TELEMETRY and e == epoch}
    gone = Ranges.of(1, 600) - Ranges.from_intervals((n, n) for n in there)
    assert first in gone
    assert len(gone) < 100
    assert all(found[TELEMETRY, epoch, n] == n - 1 for n in there)
    gaps = [e.data for e in told if e.kind == "gap" and e.data["stream"] == TELEMETRY]
    assert {data["reason"] for data in gaps} == {"unreadable"}
    spoken = Ranges.union(Ranges.of(int(str(d["first"])), int(str(d["last"]))) for d in gaps)
    assert spoken == gone
    (event,) = [e for e in told if e.kind == "buffer.corrupt"]
    assert (site.folder / str(event.data["file"])).exists()
    assert int(str(event.data["lost"])) >= len(gone)


async def test_a_file_that_is_no_database_is_put_aside(site: Site) -> None:
    await filled(site, 2)
    site.path.write_bytes(b"not a database" * 100)
    _, told = await everything(site)
    assert [event.kind for event in told] == ["buffer.corrupt"]
    assert await everything(site)


async def test_a_store_that_was_cut_short_starts_again(site: Site) -> None:
    await filled(site)
    with site.path.open("r+b") as file:
        file.truncate(site.path.stat().st_size // 2)
    _, told = await everything(site)
    assert "buffer.corrupt" in {event.kind for event in told}


async def test_damage_met_at_work_ends_the_run_and_the_next_one_mends_it(site: Site) -> None:
    await filled(site)

    async def work() -> None:
        async with site.open() as buffer:
            for page in range(2, site.path.stat().st_size // PAGE):
                spoil(site, page)
            while True:
                await buffer.put(site.readings(1))
                await asyncio.sleep(0.01)

    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        await work()
    assert (site.folder / "buffer.suspect").exists()
    _, told = await everything(site)
    assert "buffer.corrupt" in {event.kind for event in told}
    assert not (site.folder / "buffer.suspect").exists()


async def test_a_folder_that_cannot_be_written_is_a_matter_for_the_technician(site: Site) -> None:
    site.folder.parent.mkdir(parents=True, exist_ok=True)
    site.folder.write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(Misconfigured, match="cannot be written"):
        async with site.open():
            pass


async def test_a_store_that_cannot_be_created_is_tried_again(site: Site) -> None:
    site.folder.mkdir(parents=True)
    site.path.mkdir()
    with pytest.raises(LinkLost, match="store"):
        async with site.open():
            pass
    assert site.board == Board()
