"""The service's end of the control socket.

One connection carries one request, a JSON object on one line: `{"do": "status"}`. The answer is a
stream of JSON objects, one a line, that ends with the connection. What went wrong is an object
with `error` and `hint`.

Who may do what cannot be told by the file's mode, since two groups share it: everybody may
connect, and the kernel's word about the peer decides. Reading needs the group `fieldgate` or
`fieldgate-write`, writing needs `fieldgate-write`; root and the service's own account may do both.
"""

import asyncio
import logging
import select
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.contract import GatewayError, LinkLost, Misconfigured
from agent.control import lines
from agent.control.listening import listening
from agent.control.peer import Peer, peer_of

log = logging.getLogger(__name__)

Answers = AsyncGenerator[Mapping[str, Any], None]
Handler = Callable[[Mapping[str, Any], Peer], Answers]
"""An async generator function. It raises GatewayError for what a person can mend, and is closed
when the peer goes away."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Groups that do not exist on this machine admit nobody."""

    needs_write: frozenset[str] = frozenset()  # verbs
    readers: tuple[str, ...] = ("fieldgate", "fieldgate-write")
    writers: tuple[str, ...] = ("fieldgate-write",)
    patience: float = 30.0  # s to wait for a request, or for a peer that does not read
    connections: int = 32

    def admit(self, peer: Peer, verb: str) -> None:
        """Raises Misconfigured when this peer may not do that."""
        groups = self.writers if verb in self.needs_write else self.readers
        if not peer.trusted() and not peer.in_any(groups):
            raise Misconfigured(
                "user {user} may not ask for '{verb}'",
                hint="sudo usermod -aG {group} {user}",
                reason="permission",
                user=peer.name,
                verb=verb,
                group=groups[0],
            )


@asynccontextmanager
async def serve(
    path: Path, handlers: Mapping[str, Handler], rules: Rules | None = None
) -> AsyncIterator[None]:
    """Answers on `path` while the block runs. Raises Misconfigured when it cannot listen there."""
    desk = _Desk(handlers, rules or Rules())
    with listening(path) as ours:
        server = await asyncio.start_unix_server(
            desk.welcome, sock=ours, limit=lines.LONGEST_REQUEST
        )
        try:
            yield
        finally:
            server.close()
            await desk.close()


class _GoneError(Exception):
    """The peer hung up, or reads no more."""


@dataclass(slots=True)
class _Desk:
    handlers: Mapping[str, Handler]
    rules: Rules
    talks: dict["asyncio.Task[None]", asyncio.StreamWriter] = field(default_factory=dict)

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self.talks[task] = writer
        task.add_done_callback(self.talks.pop)

    async def close(self) -> None:
        talks = dict(self.talks)
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        for writer in talks.values():
            writer.transport.abort()
        await asyncio.sleep(0)  # an aborted transport lets go in the loop's next round

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until it is answered or the peer has gone, whichever is first."""
        writer.transport.set_write_buffer_limits(0)
        connection = writer.get_extra_info("socket")
        both = [
            asyncio.ensure_future(self._answer(reader, writer, peer_of(connection))),
            asyncio.ensure_future(_hung_up(connection)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            writer.transport.abort()  # `_send` has waited until all was out

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer
    ) -> None:
        try:
            await self._fulfil(reader, writer, peer)
        except _GoneError:
            log.debug("control: user %s went away", peer.name)
        except GatewayError as error:
            await self._send(writer, lines.failure(error))
        except Exception:
            log.exception("control: a request of user %s failed; going on", peer.name)
            await self._send(writer, lines.bug())

    async def _fulfil(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer
    ) -> None:
        if len(self.talks) > self.rules.connections:
            raise LinkLost("too many connections to the service", hint="close one and try again")
        request = lines.request(await self._line(reader))
        handler = self._handler(request["do"], peer)
        async with aclosing(handler(request, peer)) as answers:
            async for answer in answers:
                await self._send(writer, answer)

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        try:
            async with asyncio.timeout(self.rules.patience):
                return await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as cut:
            if not cut.partial:
                raise _GoneError from cut
            return cut.partial
        except asyncio.LimitOverrunError:
            return b""
        except (OSError, TimeoutError) as error:
            raise _GoneError from error

    def _handler(self, verb: str, peer: Peer) -> Handler:
        if verb not in self.handlers:
            raise Misconfigured(
                "the service knows no request '{verb}'",
                hint="it knows: {known}",
                verb=verb,
                known=", ".join(sorted(self.handlers)),
            )
        self.rules.admit(peer, verb)
        if verb in self.rules.needs_write:
            log.info("control: user %s (uid %d) asks for '%s'", peer.name, peer.uid, verb)
        return self.handlers[verb]

    async def _send(self, writer: asyncio.StreamWriter, answer: Mapping[str, Any]) -> None:
        try:
            writer.write(lines.dump(answer))
            async with asyncio.timeout(self.rules.patience):
                await writer.drain()
        except (OSError, TimeoutError) as error:
            raise _GoneError from error


async def _hung_up(connection: socket.socket) -> None:
    """Returns once the peer has closed both directions; one that only stopped sending still
    listens for its answer."""
    poll = select.poll()
    poll.register(connection.fileno(), 0)
    while not poll.poll(0):  # noqa: ASYNC110  no event of asyncio's tells of it
        await asyncio.sleep(1.0)
