"""The metrics endpoint: `/metrics` for Prometheus, `/healthz` for a probe, nothing else."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from agent.contract import Misconfigured
from agent.status import Board

log = logging.getLogger(__name__)

PATIENCE = 10.0  # s for a whole exchange
LONGEST_HEAD = 16_384  # bytes
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"


@asynccontextmanager
async def serve_metrics(listen: str, board: Board) -> AsyncIterator[int]:
    """Answers on `listen` (host:port) while the block runs; gives the port that it got.

    Raises Misconfigured when it cannot listen there.
    """
    host, port = _address(listen)
    endpoint = _Endpoint(board)
    try:
        server = await asyncio.start_server(endpoint.welcome, host, port, limit=LONGEST_HEAD)
    except OSError as error:
        raise Misconfigured(
            "metrics cannot listen on {listen}: {error}",
            hint="choose another `metrics: listen:`, or null to turn it off",
            listen=listen,
            error=error.strerror or error,
        ) from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await endpoint.close()


def _address(listen: str) -> tuple[str, int]:
    parts = urlsplit(f"//{listen}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        raise Misconfigured(
            "metrics cannot listen on '{listen}'",
            hint="write `metrics: listen:` as host:port, like 127.0.0.1:9464",
            listen=listen,
        )
    return host, port


@dataclass(frozen=True, slots=True)
class Answer:
    status: HTTPStatus
    body: bytes = b""
    kind: str = PLAIN

    def encoded(self) -> bytes:
        body = self.body or f"{self.status.phrase}\n".encode()
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            f"Content-Type: {self.kind}\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode("ascii") + body


def answer(head: bytes, board: Board) -> Answer:
    """To a request's head: its lines up to the empty one."""
    method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    path, _, version = rest.partition(b" ")
    if not version.startswith(b"HTTP/1"):
        return Answer(HTTPStatus.BAD_REQUEST)
    if method != b"GET":
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED)
    match path.partition(b"?")[0]:
        case b"/metrics":
            from agent.web.collector import text

            return Answer(HTTPStatus.OK, text(board), EXPOSITION)
        case b"/healthz":
            return _health(board)
        case _:
            return Answer(HTTPStatus.NOT_FOUND)


def _health(board: Board) -> Answer:
    """Healthy is a gateway that can store: sensors and brokers come and go."""
    if board.buffer.error:
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{board.buffer.error}\n".encode())
    return Answer(HTTPStatus.OK, b"ok\n")


class _Endpoint:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._talks: set[asyncio.Task[None]] = set()

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def close(self) -> None:
        talks = set(self._talks)
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)  # an aborted transport lets go in the loop's next round

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                head = await _head(reader)
                writer.write(answer(head, self._board).encoded())
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            log.debug("metrics: a client went away")


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return b""
