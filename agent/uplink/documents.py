"""What the gateway says of itself, retained: status, describe, manifest."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.clock import Clock
from agent.status import Board
from agent.uplink.catalogue import Catalogue, GatewayInfo
from agent.uplink.encoder import Encoder
from agent.uplink.formats.arrival import VERSION
from agent.uplink.pace import Pace
from agent.uplink.session import Message, Session
from agent.uplink.topics import Topics

log = logging.getLogger(__name__)

JSON = "application/json"
_LARGEST = 100_000  # bytes of one document where the broker names no limit: clouds have one
_NAMED = 50  # devices that `status` names at most

Manifest = Callable[[], Awaitable[Mapping[str, Any]]]


class Documents:
    """Lives as long as the uplink. `begin` and `run` are for one session."""

    def __init__(
        self,
        gateway: GatewayInfo,
        topics: Topics,
        board: Board,
        clock: Clock,
        encoder: Encoder,
        describe: Callable[[], Catalogue],
        manifest: Manifest | None,
        pace: Pace,
    ) -> None:
        self._gateway = gateway
        self._topics = topics
        self._board = board
        self._clock = clock
        self._encoder = encoder
        self._describe = describe
        self._manifest = manifest
        self._pace = pace
        self._parts: set[str] = set()  # of `describe`, that a broker may hold
        self._described = ""  # the hash of the catalogue that this session's broker has
        self._said: dict[str, Any] = {}  # what is stable of the status that it has
        self._due: dict[str, float] = {}  # broker -> when it is to be told what is hourly

    def begin(self, session: Session, send: Callable[[Message], None]) -> None:
        """Before the first pack: that names the catalogue."""
        self._described, self._said = "", {}
        self._tell(session, send)

    async def run(self, session: Session, send: Callable[[Message], None]) -> None:
        """The manifest now, unless that broker had it within the hour, and every hour; the rest
        when it changes. Never returns."""
        loop = asyncio.get_running_loop()
        broker = session.link.endpoint.name
        while True:
            if loop.time() >= self._due.get(broker, 0.0):
                self._due[broker] = loop.time() + self._pace.manifest
                send(self.status(self._stable()))
                await self._send_manifest(session, send)
            await asyncio.sleep(self._pace.status)
            self._tell(session, send)

    def _tell(self, session: Session, send: Callable[[Message], None]) -> None:
        catalogue = self._describe()
        if catalogue.hash != self._described:
            self._described = catalogue.hash
            self._send_catalogue(catalogue, session, send)
        stable = self._stable()
        if stable != self._said:
            self._said = stable
            send(self.status(stable))

    def status(self, stable: Mapping[str, Any]) -> Message:
        board = self._board
        now = {
            "t": self._clock.now().wall / 1e9,
            "buffer": {
                "records": board.buffer.records,
                "hours_left": board.buffer.hours_left,
                "evicted": board.buffer.evicted,
            },
        }
        return self._document(self._topics.status, {**self._who("online"), **stable, **now})

    def offline(self, reason: str) -> Message:
        """`lost` for the will, `stopped` for a goodbye."""
        return self._document(self._topics.status, self._who("offline") | {"reason": reason})

    def _who(self, state: str) -> dict[str, Any]:
        return {"fg": VERSION, "gateway": self._gateway.id, "state": state}

    def _stable(self) -> dict[str, Any]:
        """What is worth a message when it changes."""
        board = self._board
        troubled = {n: d.state for n, d in sorted(board.devices.items()) if d.state != "ok"}
        return {
            "name": self._gateway.name,
            "version": self._gateway.version,
            "epoch": board.buffer.epoch,
            "started": board.started,
            "clock": "trusted" if board.clock_trusted else "untrusted",
            "devices": {
                "total": len(board.devices),
                "ok": len(board.devices) - len(troubled),
                "not_ok": dict(list(troubled.items())[:_NAMED]),
            },
        }

    def _send_catalogue(
        self, catalogue: Catalogue, session: Session, send: Callable[[Message], None]
    ) -> None:
        """Parts that the broker may still hold of a longer one are emptied."""
        documents = catalogue.documents(_room(session, self._topics.describe + "/9999"))
        for suffix in sorted(self._parts - set(documents)):
            send(Message(self._topics.describe + suffix, b"", JSON, retain=True))
        for suffix, body in documents.items():
            send(Message(self._topics.describe + suffix, body, JSON, retain=True))
        self._parts = set(documents)
        self._encoder.catalogue = catalogue.hash

    async def _send_manifest(self, session: Session, send: Callable[[Message], None]) -> None:
        if self._manifest is None:
            return
        content = {"fg": VERSION, "gateway": self._gateway.id, **await self._manifest()}
        message = self._document(self._topics.manifest, content)
        if len(message.body) > (session.room(message.topic) or len(message.body)):
            log.error("the manifest (%d bytes) is larger than the broker takes", len(message.body))
            return
        send(message)

    def _document(self, topic: str, content: Mapping[str, Any]) -> Message:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        return Message(topic, body, JSON, retain=True)


def _room(session: Session, topic: str) -> int:
    room = session.room(topic)
    return _LARGEST if room is None else min(room, _LARGEST)
