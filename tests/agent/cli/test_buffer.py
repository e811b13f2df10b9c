"""`fieldgate buffer`: a person looks into a store, at rest or in use."""

import csv
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from agent.buffer import Buffer
from agent.cli.main import main
from agent.contract import EVENTS, TELEMETRY, Lane, Ranges
from agent.control.server import serve
from tests.support_buffer import Site, drain


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state")


@asynccontextmanager
async def stocked(site: Site) -> AsyncIterator[Buffer]:
    """Ten readings, six of them settled, and two events."""
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        await buffer.put([*site.readings(10), site.event(1), site.event(2)])
        await buffer.flush()
        pack = await outbox.owed(TELEMETRY, Lane.LIVE, 6)
        assert pack is not None
        await outbox.settle(pack)
        await buffer.put([site.event(3)])
        await buffer.flush()
        yield buffer


def call(site: Site, *words: str) -> int:
    action, *rest = words
    return main(["buffer", action, "--store", str(site.folder), *rest])


@pytest.mark.parametrize("live", [True, False])
async def test_list_shows_what_is_owed_beside_the_service_and_without_it(
    site: Site, capsys: pytest.CaptureFixture[str], live: bool
) -> None:
    async with stocked(site) as buffer:
        epoch = buffer.epoch
        if live:
            assert call(site, "list", "--json") == 0
    if not live:
        assert call(site, "list", "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["epoch"] == epoch
    assert told["streams"][TELEMETRY] == {
        "last": 10,
        "stored": "1-10",
        "uplinks": {"cloud": {"owed": "7-10", "gap": {}, "skip": {}}},
    }
    assert call(site, "list") == 0
    assert "7-10" in capsys.readouterr().out


async def test_export_writes_what_is_stored(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with stocked(site) as buffer:
        epoch = buffer.epoch
        assert call(site, "export") == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [row["value"] for row in rows] == list(range(10))
        assert rows[3] == {
            "epoch": epoch,
            "seq": 4,
            "time": "2025-11-24T16:00:00.000+00:00",
            "estimated": False,
            "device": "soil-1",
            "point": "moisture",
            "value": 3,
            "unit": "%",
            "quality": "good",
        }
        file = tmp_path / "events.csv"
        assert call(site, "export", "--format", "csv", "--stream", EVENTS, "--out", str(file)) == 0
    with file.open(encoding="utf-8", newline="") as lines:
        events = list(csv.DictReader(lines))
    assert [json.loads(event["data"]) for event in events] == [{"number": n} for n in (1, 2, 3)]


async def test_export_knows_times(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    async with stocked(site) as buffer:
        site.clock.pass_by(3600)
        await buffer.put(site.readings(2, start=50))
    assert call(site, "export", "--from", "2025-11-24T16:30:00Z") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["value"] for row in rows] == [50, 51]
    assert call(site, "export", "--to", "2025-11-24T16:00:00Z") == 0
    assert not capsys.readouterr().out
    assert call(site, "export", "--from", "yesterday") == 64
    assert "write a time like" in capsys.readouterr().err


async def test_parquet_needs_a_file_and_pyarrow(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with stocked(site):
        pass
    assert call(site, "export", "--format", "parquet") == 78
    file = tmp_path / "all.parquet"
    status = call(site, "export", "--format", "parquet", "--out", str(file))
    try:
        import pyarrow.parquet  # type: ignore[import-not-found,import-untyped,unused-ignore] # optional
    except ImportError:
        assert status == 78
        assert "pyarrow" in capsys.readouterr().err
    else:
        table = pyarrow.parquet.read_table(file).to_pylist()
        assert [json.loads(row["value"]) for row in table] == list(range(10))


async def test_replay_without_a_service_is_owed_at_the_next_start(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with stocked(site) as buffer:
        epoch = buffer.epoch
    nobody = ("--socket", str(tmp_path / "no.sock"))
    assert call(site, "replay", *nobody, "cloud", epoch, TELEMETRY, "2-4,9,400") == 0
    assert "3 records" in capsys.readouterr().out
    assert call(site, "replay", *nobody, "cloud", "nope", TELEMETRY, "1") == 78
    assert epoch in capsys.readouterr().err
    assert call(site, "replay", *nobody, "cloud", epoch, TELEMETRY, "all") == 78
    async with site.open() as again:
        law = again.law("cloud")[TELEMETRY]
        assert (law.settled, law.owed, law.holds) == (3, 7, True)
        outbox = again.outbox("cloud")
        await outbox.begin()
        packs = await drain(outbox, TELEMETRY)
        assert [(pack.first, pack.last) for pack in packs] == [(2, 4), (7, 10)]


async def test_replay_of_a_store_in_use_is_refused_where_its_service_does_not_answer(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with stocked(site) as buffer:
        nobody = ("--socket", str(tmp_path / "no.sock"))
        assert call(site, "replay", *nobody, "cloud", buffer.epoch, TELEMETRY, "1") == 78
    assert "another fieldgate" in capsys.readouterr().err


async def test_replay_goes_through_the_running_service(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import asyncio

    asked: list[dict[str, object]] = []

    async def owe(request: "dict[str, object]", _peer: object) -> AsyncIterator[dict[str, object]]:
        asked.append(request)
        yield {"owed": len(Ranges.parse(str(request["ranges"])))}

    socket = tmp_path / "control.sock"
    words = ("replay", "--socket", str(socket), "cloud", "e1", EVENTS, "1-3")
    async with serve(socket, {"owe": owe}):  # type: ignore[dict-item]  # a smaller handler will do
        assert await asyncio.to_thread(call, site, *words) == 0
    assert asked[0]["uplink"] == "cloud"
    assert "3 records will be sent to cloud again" in capsys.readouterr().out


async def test_verify_says_whether_the_store_is_sound(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    async with stocked(site):
        assert call(site, "verify") == 0
        assert "the store is sound" in capsys.readouterr().out
    with closing(sqlite3.connect(site.path)) as store:
        store.execute("UPDATE batch SET body = x'00' WHERE key = ?", ((1 << 43) + 1,))
        store.execute("DELETE FROM batch WHERE key = ?", ((1 << 43) + (1 << 40) + 1,))
        store.execute("INSERT INTO gap VALUES ('cloud', 1, 0, 9, 12, 'evicted')")
        store.commit()
    assert call(site, "verify", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert [problem.partition(":")[0] for problem in told["problems"]] == [
        "a batch cannot be decoded",
        "in the books, but not in the store",
        "the books have a number in two places",
    ]


def test_a_folder_without_a_store_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["buffer", "list", "--store", str(tmp_path)]) == 75
    assert "no store can be read" in capsys.readouterr().err
