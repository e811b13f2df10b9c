"""Pictures: on disk before their event, owed like everything else, gone in time."""

import asyncio
import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path

from agent.buffer import Limits, open_buffer
from agent.buffer.media import MediaLimits, MediaStore
from agent.clock import Clock
from agent.contract import EVENTS, MEDIA, Event, Instant, Lane, Picture
from agent.status import Board
from agent.uplink.formats import cloudevents

JPEG = b"\xff\xd8 a car \xff\xd9"
NOW = Instant("boot", 10**12, 1_795_000_000 * 10**9, trusted=True)


def picture(jpeg: bytes = JPEG) -> Picture:
    return Picture(jpeg, 640, 480, "plate")


def later(seconds: float) -> Instant:
    span = round(seconds * 1e9)
    return replace(NOW, mono=NOW.mono + span, wall=NOW.wall + span)


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


async def test_an_event_names_its_pictures_and_each_is_owed_by_itself(tmp_path: Path) -> None:
    event = Event("plate.passed", "gate", Clock().now(), {"text": "x"}, (picture(), picture(b"2")))
    async with open_buffer(tmp_path, Limits(), ["city"], Clock(), Board()) as buffer:
        await buffer.put([event])
        await buffer.flush()
        outbox = buffer.outbox("city")
        await outbox.begin()
        told = await outbox.owed(EVENTS, Lane.BACKLOG, 10)
        assert told is not None
        data = told.happenings[0].event.data
        first, second = str(data["media"]).split()
        assert buffer.picture(first) == JPEG
        assert buffer.picture(second) == b"2"
        pack = await outbox.owed(MEDIA, Lane.BACKLOG, 1)
        assert pack is not None
        about = pack.happenings[0].event
        assert (about.kind, about.subject) == ("media", first)
        assert about.data["sha256"] == hashlib.sha256(JPEG).hexdigest()
        assert about.data["event"] == "plate.passed"


async def test_a_picture_travels_as_it_is_and_one_that_expired_is_told_to_be_gone(
    tmp_path: Path,
) -> None:
    event = Event("plate.passed", "gate", Clock().now(), {}, (picture(),))
    async with open_buffer(tmp_path, Limits(), ["city"], Clock(), Board()) as buffer:
        await buffer.put([event])
        await buffer.flush()
        outbox = buffer.outbox("city")
        await outbox.begin()
        pack = await outbox.owed(MEDIA, Lane.BACKLOG, 1)
        assert pack is not None
        arrival = cloudevents.decode(cloudevents.CloudEvents("gw", buffer.picture).encode(pack, ""))
        (shown,) = arrival.occurrences
        assert (arrival.stream, shown.kind, shown.data["jpeg"]) == (MEDIA, "media", JPEG)
        assert (shown.data["width"], shown.data["role"]) == (640, "plate")
        for file in (tmp_path / "media").iterdir():
            file.unlink()
        arrival = cloudevents.decode(cloudevents.CloudEvents("gw", buffer.picture).encode(pack, ""))
        assert arrival.occurrences[0].data["gone"] is True
        assert "jpeg" not in arrival.occurrences[0].data


async def test_a_disk_that_takes_no_picture_still_gets_the_event(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("in the way")
    async with open_buffer(tmp_path, Limits(), ["city"], Clock(), Board()) as buffer:
        await buffer.put([Event("plate.passed", "gate", Clock().now(), {}, (picture(),))])
        await buffer.flush()
        outbox = buffer.outbox("city")
        await outbox.begin()
        told = await outbox.owed(EVENTS, Lane.BACKLOG, 10)
        assert told is not None
        assert "media_lost" in told.happenings[0].event.data
        assert await outbox.owed(MEDIA, Lane.BACKLOG, 1) is None


def test_nobody_else_may_look(tmp_path: Path) -> None:
    MediaStore(tmp_path / "m", MediaLimits()).keep(picture(), NOW)
    (file,) = (tmp_path / "m").iterdir()
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_pictures_go_by_age_by_number_and_by_size_the_oldest_first(tmp_path: Path) -> None:
    store = MediaStore(tmp_path, MediaLimits(max_age=100.0, max_size=50, max_count=4))
    for n in range(6):
        told = store.keep(picture(bytes([n]) * 10), later(n))
        os.utime(tmp_path / f"{told['id']}.jpg", (later(n).wall / 1e9,) * 2)
    assert store.sweep(later(6)) == 2
    assert len(files(tmp_path)) == 4
    store = MediaStore(tmp_path, MediaLimits(max_age=100.0, max_size=25, max_count=4))
    assert store.sweep(later(6)) == 2
    assert store.sweep(later(104.5)) == 1
    assert len(files(tmp_path)) == 1


def test_age_counts_from_when_the_clock_could_be_trusted(tmp_path: Path) -> None:
    store = MediaStore(tmp_path, MediaLimits(max_age=100.0))
    wrong = Instant("boot", 1, 86400 * 10**9, trusted=False)
    told = store.keep(picture(), wrong)
    assert store.sweep(replace(wrong, wall=10**18)) == 0
    assert store.sweep(NOW) == 0
    assert store.read(str(told["id"])) == JPEG
    assert store.sweep(later(50)) == 0
    assert store.sweep(later(101)) == 1
    assert store.read(str(told["id"])) is None


async def test_pictures_expire_also_while_none_comes(tmp_path: Path) -> None:
    limits = Limits(media=MediaLimits(max_age=0.001))
    MediaStore(tmp_path / "media", limits.media).keep(picture(), replace(NOW, trusted=False))

    class Trusted(Clock):
        def now(self) -> Instant:
            return replace(super().now(), trusted=True, wall=super().now().wall + 10**12)

    async with open_buffer(tmp_path, limits, [], Trusted(), Board()):
        while any(name.endswith(".u.jpg") for name in files(tmp_path / "media")):
            await asyncio.sleep(0.02)
