"""The control socket between a service and its commands."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.contract import DeviceFault, LinkLost, Misconfigured
from agent.control.client import NO_SERVICE, ask, ask_once
from agent.control.listening import listening
from agent.control.peer import Peer
from agent.control.server import Answers, Handler, Rules, serve


async def count(request: Mapping[str, Any], peer: Peer) -> Answers:
    for number in range(int(request.get("to", 3))):
        yield {"n": number, "uid": peer.uid, "word": "温室"}


async def refuse(request: Mapping[str, Any], peer: Peer) -> Answers:
    if request:
        raise DeviceFault(
            "unit {unit} says {code:#04x}", hint="read page {page}", unit=3, code=2, page=7
        )
    yield {}


async def fail(request: Mapping[str, Any], peer: Peer) -> Answers:
    if request:
        raise KeyError("a mistake of ours")
    yield {}


HANDLERS: dict[str, Handler] = {"count": count, "refuse": refuse, "fail": fail}


@asynccontextmanager
async def connected(path: Path, raw: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(raw)
    try:
        yield reader
    finally:
        writer.transport.abort()
        await writer.wait_closed()


async def exchange(path: Path, raw: bytes) -> list[dict[str, Any]]:
    async with connected(path, raw) as reader:
        return [json.loads(line) for line in (await reader.read()).splitlines()]


async def test_a_request_is_answered_with_a_stream_of_objects(socket_path: Path) -> None:
    async with serve(socket_path, HANDLERS):
        answers = await asyncio.to_thread(lambda: list(ask(socket_path, {"do": "count"})))
    assert [a["n"] for a in answers] == [0, 1, 2]
    assert {a["uid"] for a in answers} == {os.getuid()}
    assert answers[0]["word"] == "温室"


async def test_a_client_that_only_stopped_sending_still_gets_its_answer(socket_path: Path) -> None:
    async with serve(socket_path, HANDLERS):
        reader, writer = await asyncio.open_unix_connection(str(socket_path))
        writer.write(b'{"do": "count"}')
        writer.write_eof()
        assert len((await reader.read()).splitlines()) == 3
        writer.close()
        await writer.wait_closed()


async def test_an_expected_error_comes_back_as_the_same_error(socket_path: Path) -> None:
    async with serve(socket_path, HANDLERS):
        with pytest.raises(DeviceFault) as caught:
            await asyncio.to_thread(ask_once, socket_path, {"do": "refuse"})
    assert str(caught.value) == "unit 3 says 0x02"
    assert caught.value.hint == "read page 7"
    assert caught.value.template == "unit {unit} says {code:#04x}"
    assert caught.value.values == {"unit": 3, "code": 2, "page": 7}


@pytest.mark.parametrize(
    "raw",
    [b"status\n", b"[1]\n", b'{"do": 5}\n', b"{}\n", b"\xff\xfe\n", b"x" * 3_000_000 + b"\n"],
    ids=["word", "list", "number", "nothing", "not-utf8", "too-long"],
)
async def test_nonsense_is_answered_with_what_to_send_instead(
    socket_path: Path, raw: bytes
) -> None:
    async with serve(socket_path, HANDLERS), connected(socket_path, raw) as reader:
        answer = json.loads(await reader.readline())
    assert "JSON object" in answer["error"]
    assert '{"do": "status"}' in answer["hint"]


async def test_an_unknown_verb_is_answered_with_the_known_ones(socket_path: Path) -> None:
    async with serve(socket_path, HANDLERS):
        (answer,) = await exchange(socket_path, b'{"do": "dance"}\n')
    assert "dance" in answer["error"]
    assert "count, fail, refuse" in answer["hint"]


async def test_a_mistake_of_ours_is_logged_and_the_socket_goes_on(
    socket_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(socket_path, HANDLERS):
        (answer,) = await exchange(socket_path, b'{"do": "fail"}\n')
        again = await exchange(socket_path, b'{"do": "count"}\n')
    assert "journalctl" in answer["hint"]
    assert "a mistake of ours" not in answer["error"]
    assert "a mistake of ours" in caplog.text
    assert len(again) == 3


async def test_a_client_that_goes_away_ends_its_stream(socket_path: Path) -> None:
    closed = asyncio.Event()

    async def quiet(request: Mapping[str, Any], peer: Peer) -> Answers:
        try:
            yield {"state": "listening"}
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with serve(socket_path, {"quiet": quiet}):
        async with connected(socket_path, b'{"do": "quiet"}\n') as reader:
            await reader.readline()
            assert not closed.is_set()
        await asyncio.wait_for(closed.wait(), 20)


async def test_a_client_that_reads_no_more_is_dropped(socket_path: Path) -> None:
    closed = asyncio.Event()

    async def flood(request: Mapping[str, Any], peer: Peer) -> Answers:
        try:
            while True:
                yield {"text": "x" * 10_000}
        finally:
            closed.set()

    async with serve(socket_path, {"flood": flood}, Rules(patience=0.2)):
        stuck = socket.socket(socket.AF_UNIX)
        stuck.connect(str(socket_path))
        stuck.sendall(b'{"do": "flood"}\n')
        await asyncio.wait_for(closed.wait(), 20)
        stuck.close()


async def test_a_client_that_asks_nothing_is_dropped(socket_path: Path) -> None:
    async with serve(socket_path, HANDLERS, Rules(patience=0.1)), connected(socket_path) as reader:
        assert await asyncio.wait_for(reader.read(), 20) == b""


async def test_more_connections_than_allowed_are_turned_away(socket_path: Path) -> None:
    async with serve(socket_path, HANDLERS, Rules(connections=1)), connected(socket_path):
        (answer,) = await exchange(socket_path, b'{"do": "count"}\n')
    assert "too many" in answer["error"]


async def test_stopping_ends_open_streams_and_removes_the_socket(socket_path: Path) -> None:
    async def forever(request: Mapping[str, Any], peer: Peer) -> Answers:
        yield {"n": 1}
        await asyncio.Event().wait()

    async with AsyncExitStack() as client:
        async with serve(socket_path, {"forever": forever}):
            ask_forever = connected(socket_path, b'{"do": "forever"}\n')
            reader = await client.enter_async_context(ask_forever)
            await reader.readline()
        assert await reader.read() == b""
    with pytest.raises(LinkLost):
        ask_once(socket_path, {"do": "status"})
    assert list(socket_path.parent.iterdir()) == []


async def test_the_socket_of_a_dead_service_is_taken_over(socket_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(socket_path))
    dead.close()
    async with serve(socket_path, HANDLERS):
        assert len(await exchange(socket_path, b'{"do": "count"}\n')) == 3


async def test_the_socket_of_a_living_service_is_left_alone(socket_path: Path) -> None:
    async with serve(socket_path, HANDLERS):
        with pytest.raises(Misconfigured, match="another fieldgate is running"):
            async with serve(socket_path, HANDLERS):
                pass
        assert len(await exchange(socket_path, b'{"do": "count"}\n')) == 3


def test_a_file_that_is_no_socket_is_left_alone(socket_path: Path) -> None:
    socket_path.write_text("precious")
    with pytest.raises(Misconfigured, match="is not a socket"), listening(socket_path):
        pass
    assert socket_path.read_text() == "precious"


@pytest.mark.parametrize("name", ["nowhere/at/all/control.sock", "x" * 120])
def test_a_place_where_no_socket_can_be_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match="cannot listen") as caught, listening(tmp_path / name):
        pass
    assert "control: socket:" in caught.value.hint


def test_without_a_service_the_command_says_where_to_look(socket_path: Path) -> None:
    with pytest.raises(LinkLost) as caught:
        ask_once(socket_path, {"do": "status"})
    assert caught.value.reason == NO_SERVICE
    assert caught.value.hint == "systemctl status fieldgate"


async def test_a_service_that_stays_silent_is_given_up(socket_path: Path) -> None:
    async def silent(request: Mapping[str, Any], peer: Peer) -> Answers:
        await asyncio.Event().wait()
        yield {}

    async with serve(socket_path, {"silent": silent}):
        with pytest.raises(LinkLost, match=r"within 0\.2 s"):
            await asyncio.to_thread(ask_once, socket_path, {"do": "silent"}, 0.2)


def _dying(path: Path, answer: bytes) -> threading.Thread:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def run() -> None:
        connection, _ = server.accept()
        connection.recv(1000)
        connection.sendall(answer)
        connection.close()
        server.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "said"),
    [(b"", "stopped before it answered"), (b'{"n": ', "broke off")],
    ids=["no-answer", "half-an-answer"],
)
def test_a_service_that_dies_while_answering_is_a_lost_link(
    socket_path: Path, answer: bytes, said: str
) -> None:
    thread = _dying(socket_path, answer)
    with pytest.raises(LinkLost, match=said):
        ask_once(socket_path, {"do": "status"})
    thread.join()
