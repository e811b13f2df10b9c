"""An RTSP camera that shows nothing says why: nobody there, wrong login, wrong path, no RTSP."""

import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from drivers.camera.address import with_login
from drivers.camera.child import lost, rtsp
from drivers.camera.child.lost import Lost
from drivers.camera.child.rtsp import Answer, parse
from drivers.camera.child.sources import open_source
from tests.support_rtsp import CameraServer, now

LOGIN = "viewer:right one/@:"


@pytest.fixture(params=["basic", "digest"])
def guarded(request: pytest.FixtureRequest) -> Iterator[CameraServer]:
    server = CameraServer("rtsp", login=LOGIN, digest=request.param == "digest")
    yield server
    server.kill()


def logged_in(server: CameraServer, password: str) -> str:
    return with_login(server.where, "viewer", password)


def elsewhere(where: str, path: str) -> str:
    return urlunsplit(urlsplit(where)._replace(path=path))


def test_the_right_login_is_let_in_by_either_scheme(guarded: CameraServer) -> None:
    assert rtsp.why(logged_in(guarded, LOGIN.partition(":")[2])) == "no_frames"


def test_a_wrong_password_is_told_from_a_wrong_path(guarded: CameraServer) -> None:
    right = logged_in(guarded, LOGIN.partition(":")[2])
    assert rtsp.why(guarded.where) == "refused"
    assert rtsp.why(logged_in(guarded, "wrong")) == "refused"
    assert rtsp.why(elsewhere(right, "/nowhere")) == "no_stream"


def test_nobody_there_is_no_connection() -> None:
    server = CameraServer("rtsp")
    server.kill()
    assert rtsp.why(server.where) == "no_connection"


@pytest.fixture
def other_end() -> Iterator[Callable[[bytes], str]]:
    """Whoever else may answer at that port, with these bytes."""
    server = socket.create_server(("127.0.0.1", 0))

    def answering(said: bytes) -> str:
        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        return f"rtsp://user:secret@127.0.0.1:{server.getsockname()[1]}/cam"

    yield answering
    server.close()


NONSENSE = b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=, x\r\n\r\n"
SAID = [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no_stream"),
    (b"RTSP/1.0 503 Service Unavailable\r\nCSeq: 1\r\n\r\n", "busy"),
    (b"RTSP/1.0 453 Not Enough Bandwidth\r\n\r\n", "busy"),
    (b"RTSP/1.0 403 Forbidden\r\n\r\n", "refused"),
    (NONSENSE, "refused"),
    (b"RTSP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nm=audio 0", "no_stream"),
    (b"RTSP/1.0 200 OK\r\nContent-Length: 999999", "no_stream"),
    (b"SSH-2.0-OpenSSH\r\n", "no_stream"),
    (b"RTSP/1.0 " + b"x" * 100_000, "no_stream"),
    (b"", "no_connection"),
]


@pytest.mark.parametrize(("said", "reason"), SAID)
def test_what_was_said_becomes_a_reason(
    other_end: Callable[[bytes], str], said: bytes, reason: str
) -> None:
    assert rtsp.why(other_end(said)) == reason


def test_an_answer_in_pieces_is_waited_for() -> None:
    whole = b"RTSP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nm=video"
    assert [parse(whole[:n]) for n in range(len(whole))] == [None] * len(whole)
    found = parse(whole)
    assert found == Answer(200, (("content-length", "7"),), b"m=video")


def test_a_stream_that_does_not_open_says_why() -> None:
    server = CameraServer("rtsp", login="viewer:right")
    source = open_source("rtsp", logged_in(server, "wrong"))
    try:
        assert until(source.newest) == "refused"
    finally:
        source.close()
        server.kill()


def until(newest: Callable[[float], object]) -> str:
    """The reason that there is after the first try."""
    end = now() + 20
    while now() < end:
        try:
            newest(0.2)
        except Lost as error:
            if str(error) != "connecting":
                return str(error)
    return ""


def test_a_wrong_login_is_not_tried_too_often() -> None:
    assert lost.pause_after("refused", 0.5) >= 30
    assert lost.pause_after("no_connection", 0.5) == 0.5
