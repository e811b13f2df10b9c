"""One uplink: connects, sends what is owed, comes back whatever happens."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from agent.clock import Clock
from agent.contract import GatewayError, LinkLost, Misconfigured, Outbox
from agent.status import Board
from agent.uplink import words
from agent.uplink.blame import Blame
from agent.uplink.catalogue import Catalogue, GatewayInfo
from agent.uplink.dial import Will
from agent.uplink.documents import Documents, Manifest
from agent.uplink.encoder import Encoder
from agent.uplink.endpoint import Endpoint
from agent.uplink.formats.units import shipped
from agent.uplink.link import Link, open_link
from agent.uplink.pace import Pace, Rota
from agent.uplink.pump import Pump
from agent.uplink.session import Session
from agent.uplink.topics import Topics

if TYPE_CHECKING:
    from agent.config.schema import UplinkSettings

log = logging.getLogger(__name__)

_DROPS = 4  # short connections in a row that ended without a word: somebody else has our identity


class Uplink:
    """`describe` is asked when a session begins and every now and then; `manifest` every hour."""

    def __init__(
        self,
        settings: "UplinkSettings",
        gateway: GatewayInfo,
        outbox: Outbox,
        board: Board,
        clock: Clock,
        describe: Callable[[], Catalogue],
        *,
        manifest: Manifest | None = None,
        picture: Callable[[str], bytes | None] = lambda _: None,
        pace: Pace | None = None,
    ) -> None:
        """`picture`: the JPEG of an id. Raises Misconfigured for a `root:` that is no topic."""
        topics = Topics.of(settings.root, gateway.id)
        self._settings = settings
        self._client_id = settings.client_id or f"fieldgate-{gateway.id}-{settings.id}"
        self._outbox = outbox
        self._pace = pace or Pace()
        self._status = board.uplink(settings.id)
        self._blame = Blame()
        self._encoder = Encoder(gateway.id, topics, settings.encoding, shipped(), picture)
        self._documents = Documents(
            gateway, topics, board, clock, self._encoder, describe, manifest, self._pace
        )
        self._complaint = ("", 0)
        self._drops = 0

    async def run(self) -> None:
        """Until cancelled; says goodbye then. Raises only what is a bug."""
        rota = Rota(self._settings.brokers, self._pace)
        loop = asyncio.get_running_loop()
        while True:
            broker, wait = rota.next(loop.time())
            await asyncio.sleep(wait)
            try:
                await self._visit(broker, rota)
            except (LinkLost, Misconfigured) as error:
                reason = error.reason if isinstance(error, LinkLost) else words.REFUSED
                left_alone = rota.failed(broker, reason, loop.time())
                self._complain(error, reason, left_alone)

    async def _visit(self, broker: str, rota: Rota) -> None:
        """One connection, from dialling to its end. Raises why it ended."""
        self._status.state, self._status.broker = "connecting", broker
        endpoint = Endpoint.of(broker, self._settings, self._client_id)
        will = self._documents.offline("lost")
        try:
            link = await open_link(endpoint, Will(will.topic, will.body))
        except LinkLost:
            self._drops = 0
            raise
        loop = asyncio.get_running_loop()
        session = Session(link, self._settings.window, self._settings.publish_deadline)
        began = loop.time()
        try:
            await self._serve(session, link)
        except LinkLost as error:
            if loop.time() - began >= self._pace.healthy:
                rota.healthy(broker)
                self._drops = 0
            raise self._suspect(error, endpoint) from error

    async def _serve(self, session: Session, link: Link) -> None:
        pump = Pump(
            session,
            self._outbox,
            self._encoder,
            self._settings,
            self._status,
            self._blame,
            self._pace,
        )
        code = 0
        try:
            await self._outbox.begin()
            self._connected(link.endpoint)
            self._documents.begin(session, pump.send)
            documents = self._documents.run(session, pump.send)
            await _together(pump.move(), pump.watch(), documents)
        except asyncio.CancelledError:
            await pump.finish(self._documents.offline("stopped"), self._pace.farewell)
            raise
        except GatewayError as error:
            code = int(str(error.values.get("code", 0)))
            raise
        finally:
            ours = not link.over.is_set()  # nobody else has ended it
            session.stop()
            if ours:
                await link.close()
            link.drop()
            await pump.wind_up(clean=ours, code=code)

    def _connected(self, endpoint: Endpoint) -> None:
        self._status.connects += 1
        self._status.state, self._status.error, self._status.hint = "connected", "", ""
        again = " again" if self._status.connects > 1 else ""
        log.info("%s: connected to %s%s", self._settings.id, endpoint.name, again)

    def _suspect(self, error: LinkLost, endpoint: Endpoint) -> LinkLost:
        wordless = error.reason == words.LOST and not error.values.get("code")
        self._drops = self._drops + 1 if wordless else 0
        return words.perhaps_taken_over(endpoint) if self._drops >= _DROPS else error

    def _complain(self, error: GatewayError, reason: str, wait: float) -> None:
        """Once, until something else is the matter or a pack got through; the board knows the
        latest."""
        self._status.state = "waiting" if reason == words.LOST else "refused"
        self._status.error, self._status.hint = str(error), error.hint
        complaint = (error.template, self._status.acknowledged)
        level = logging.DEBUG if complaint == self._complaint else logging.WARNING
        self._complaint = complaint
        log.log(level, "%s: %s; tried again in %.0f s", self._settings.id, error, wait)


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Runs until one fails, and raises that: a bug before anything that was expected.

    A task group would swallow a cancellation that comes together with a failure.
    """
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    raise min(failures, key=lambda failure: isinstance(failure, GatewayError))
