"""A camera is followed: to another number of its name, to what lies under its path now."""

import asyncio
import http.server
import os
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import trustme

from agent.clock import Clock
from agent.contract import Device, Event, LinkLost, Misconfigured
from agent.host import DeviceHost
from drivers.camera.address import Place, following, numbered, resolve
from drivers.camera.driver import CameraDriver
from tests.support_rtsp import now

PICTURE = bytes(cv2.imencode(".jpg", np.full((120, 160, 3), 90, np.uint8))[1])


class Book:
    """Who knows the numbers of names, and may be told others."""

    def __init__(self, *numbers: str) -> None:
        self.numbers: Sequence[str] = numbers

    async def ask(self, name: str, port: int) -> Sequence[str]:
        if not self.numbers:
            raise OSError(name)
        return self.numbers


def served(
    number: str, port: int, context: ssl.SSLContext | None = None
) -> http.server.ThreadingHTTPServer:
    """A camera of single pictures; with `context` by TLS."""

    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PICTURE)))
            self.end_headers()
            self.wfile.write(PICTURE)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer((number, port), Camera)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Running:
    """A driver that is listened to, and what it says of its frames."""

    def __init__(self, driver: CameraDriver) -> None:
        self.driver = driver
        self.events: list[Event] = []
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self.driver.open()
        self._task = asyncio.create_task(self._hear())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.driver.close()

    async def sees(self) -> None:
        """Returns once it has a picture."""
        await self.until(self._has_picture)

    async def says(self, *kinds: str) -> None:
        """Returns once it has told these, and fails when it tells others."""

        async def told() -> bool:
            assert self._task is not None
            if self._task.done():
                self._task.result()
            return [one.kind for one in self.events] == list(kinds)

        await self.until(told)

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        end = now() + 60
        while not await holds():
            assert now() < end, self.events
            await asyncio.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self.driver._child is not None
        return self.driver._child.pid

    async def _has_picture(self) -> bool:
        try:
            return bool(await self.driver.snapshot())
        except LinkLost:
            return False

    async def _hear(self) -> None:
        async for one in self.driver.readings():
            if isinstance(one, Event) and one.kind.startswith("camera."):
                self.events.append(one)


Run = Callable[..., Awaitable[Running]]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    made: list[Running] = []

    async def begin(source: str, book: Book | None = None, **options: Any) -> Running:
        zones = tmp_path / "store" / "zones"
        zones.mkdir(parents=True, exist_ok=True)
        space = "{id: a-01, polygon: [[10, 10], [60, 10], [60, 60], [10, 60]]}"
        (zones / "cam-1.yaml").write_text(f"camera: cam-1\nsize: [160, 120]\nspaces: [{space}]\n")
        options = {"source": source, "tasks": ["occupancy"], "rest": "1s", **options}
        device = Device("cam-1", "camera", 10.0, options=options)
        host = DeviceHost(device, Clock(), None, tmp_path / "store" / "state")
        driver = CameraDriver(device, host, book.ask if book else resolve)
        driver._place.pause = 0.2
        made.append(Running(driver))
        await made[-1].begin()
        return made[-1]

    yield begin
    for one in made:
        await one.end()


def port_of(server: http.server.ThreadingHTTPServer) -> int:
    return int(server.server_address[1])


async def test_a_camera_that_got_another_number_is_found(run: Run, cleanup: ExitStack) -> None:
    book = Book("127.0.0.1")
    first = served("127.0.0.1", 0)
    port = port_of(first)
    camera = await run(f"http://gate.test:{port}/still.jpg", book, still=True)
    await camera.sees()
    process = camera.pid
    first.shutdown()
    first.server_close()
    await camera.says("camera.lost")
    assert camera.events[0].data["reason"] == "no_connection"
    second = served("127.0.0.2", port)
    cleanup.callback(second.server_close)
    cleanup.callback(second.shutdown)
    book.numbers = ["127.0.0.2"]
    await camera.says("camera.lost", "camera.back")
    await camera.sees()
    assert camera.pid == process


async def test_of_two_numbers_the_one_that_answers_is_used(run: Run, cleanup: ExitStack) -> None:
    server = served("127.0.0.2", 0)
    cleanup.callback(server.server_close)
    cleanup.callback(server.shutdown)
    book = Book("127.0.0.3", "127.0.0.2")
    camera = await run(f"http://gate.test:{port_of(server)}/still.jpg", book, still=True)
    await camera.sees()


async def test_a_camera_behind_tls_is_believed_by_a_process_that_is_shut_in(
    run: Run, tmp_path: Path, cleanup: ExitStack
) -> None:
    """By name, though it can ask nobody and open no file."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("gate.test").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = served("127.0.0.1", 0, context)
    cleanup.callback(server.server_close)
    cleanup.callback(server.shutdown)
    where = f"https://gate.test:{port_of(server)}/still.jpg"
    camera = await run(where, Book("127.0.0.1"), still=True, ca_file=str(tmp_path / "ca.pem"))
    await camera.sees()
    stranger = await run(where, Book("127.0.0.1"), still=True)
    await stranger.says("camera.lost")
    assert stranger.events[0].data["reason"] == "untrusted"


async def test_a_name_that_nobody_knows_is_told(run: Run) -> None:
    with pytest.raises(LinkLost) as told:
        await run("rtsp://gate.test/cam", Book())
    assert told.value.reason == "no_name"
    assert "gate.test" in str(told.value)


def put(folder: Path, name: str) -> None:
    fresh = folder.parent / "fresh"
    fresh.write_bytes(PICTURE)
    fresh.rename(folder / name)


async def uploading(file: Path) -> None:
    """As a camera that sends pictures by FTP: whole at once, and as often as there is a folder."""
    while True:
        if file.parent.exists():
            put(file.parent, file.name)
        await asyncio.sleep(0.1)


@pytest.fixture
async def upload() -> AsyncIterator[Callable[[Path], None]]:
    tasks: list[asyncio.Task[None]] = []
    yield lambda file: tasks.append(asyncio.create_task(uploading(file)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_folder_that_was_made_anew_is_read_by_a_fresh_process(
    run: Run, tmp_path: Path, upload: Callable[[Path], None]
) -> None:
    """To the kernel it is another folder, which the old process may not read."""
    folder = tmp_path / "frames"
    folder.mkdir()
    upload(folder / "now.jpg")
    camera = await run(str(folder))
    await camera.sees()
    process = camera.pid
    folder.rename(tmp_path / "unplugged")
    await camera.says("camera.lost")
    assert camera.events[0].data["reason"] == "no_file"
    assert camera.pid == process
    folder.mkdir()
    await camera.says("camera.lost", "camera.back")
    assert camera.events[1].data["reason"] == "no_file"
    assert camera.pid != process
    await camera.sees()


async def test_a_folder_that_is_not_there_yet_is_waited_for(
    run: Run, tmp_path: Path, upload: Callable[[Path], None]
) -> None:
    upload(tmp_path / "frames" / "now.jpg")
    camera = await run(str(tmp_path / "frames"))
    await camera.says("camera.lost")
    (tmp_path / "frames").mkdir()
    await camera.says("camera.lost", "camera.back")
    await camera.sees()


async def test_a_picture_that_is_replaced_is_read_each_time(
    run: Run, tmp_path: Path, upload: Callable[[Path], None]
) -> None:
    (tmp_path / "frames").mkdir()
    upload(tmp_path / "frames" / "now.jpg")
    camera = await run(str(tmp_path / "frames" / "now.jpg"))
    await camera.sees()
    await camera.sees()
    assert camera.events == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_folder_that_may_not_be_read_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir(mode=0)
    camera = await run(str(tmp_path / "frames"))
    await camera.says("camera.lost")
    assert camera.events[0].data["reason"] == "no_access"


async def test_a_ca_file_without_a_certificate_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not one\n")
    with pytest.raises(Misconfigured, match="no certificate"):
        await run("https://127.0.0.1/still.jpg", still=True, ca_file=str(tmp_path / "ca.pem"))


async def test_numbers_are_asked_for_while_it_is_lost() -> None:
    book = Book("10.0.0.1")
    place = Place("cam-1", "rtsp://gate.test/cam", book.ask)
    await place.find()
    assert (place.number, place.port) == ("10.0.0.1", 554)
    assert not await place.moved("no_connection")
    book.numbers = []
    assert not await place.moved("no_connection")
    book.numbers = ["10.0.0.7"]
    assert await place.moved("refused")
    assert place.follow() == "10.0.0.7"
    book.numbers = ["10.0.0.7", "10.0.0.8"]
    assert not await place.moved("refused")
    assert await place.moved("no_connection")


def test_each_of_several_numbers_has_its_turn() -> None:
    assert [following(["a", "b"], one) for one in ("a", "b", "c")] == ["b", "a", "a"]


@pytest.mark.parametrize(
    ("where", "number", "becomes"),
    [
        ("rtsp://gate.test/cam?x=1", "10.0.0.1", "rtsp://10.0.0.1:554/cam?x=1"),
        ("rtsp://u:p%40@gate.test:8554/cam", "10.0.0.1", "rtsp://u:p%40@10.0.0.1:8554/cam"),
        ("rtsp://u:p@gate.test/cam", "fd00::1", "rtsp://u:p@[fd00::1]:554/cam"),
    ],
)
def test_a_number_stands_for_the_name(where: str, number: str, becomes: str) -> None:
    assert numbered(where, number) == becomes
