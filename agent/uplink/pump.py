"""Moves packs from the outbox through one session, and back what the broker did not take."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.contract import MEDIA, GatewayError, Lane, Outbox, Pack, Ranges
from agent.status import UplinkStatus
from agent.uplink import words
from agent.uplink.blame import REASONS, RETRIED, TRIES, Blame
from agent.uplink.lanes import Lanes, Topic
from agent.uplink.pace import Pace, seconds
from agent.uplink.pieces import joined, pieces
from agent.uplink.session import Message, Session

if TYPE_CHECKING:
    from agent.config.schema import UplinkSettings

log = logging.getLogger(__name__)


class Pump:
    """For one session. `encode` makes a message of a pack; `blame` outlives the session."""

    def __init__(
        self,
        session: Session,
        outbox: Outbox,
        encode: Callable[[Pack], Message],
        settings: "UplinkSettings",
        status: UplinkStatus,
        blame: Blame,
        pace: Pace,
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._encode = encode
        self._settings = settings
        self._status = status
        self._blame = blame
        self._pace = pace
        self._lanes = Lanes(settings.live_period, pace.probe)
        self._documents: deque[Message] = deque()
        self._ready: deque[Message] = deque()
        self._again: list[tuple[float, Pack]] = []  # refused packs, when they are tried again
        self._paused = 0.0  # until then the broker wants nothing
        self._looked = 0.0  # when it was last decided what to send
        self._recent: deque[tuple[float, Pack]] = deque()  # settled within the overlap
        self._denied: set[str] = set()
        self._thirsty = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def send(self, message: Message) -> None:
        """A document of the gateway's own; goes before the packs."""
        self._documents.append(message)
        self._session.changed.set()

    async def watch(self) -> None:
        """Wakes `move` when the outbox has something new; runs beside it."""
        while True:
            await self._thirsty.wait()
            self._thirsty.clear()
            await self._outbox.changed()
            self._lanes.renewed()
            self._session.changed.set()

    async def move(self) -> None:
        """Runs until the session ends, and raises why: LinkLost, or a bug."""
        while True:
            self._session.changed.clear()
            await self._take_answers()
            self._session.link.check()
            await self._fill()
            self._status.inflight = self._session.in_flight
            await self._rest()

    async def finish(self, last_words: Message, deadline: float) -> None:
        """Sends nothing more but `last_words`, and waits for what is in flight."""
        self._documents.append(last_words)
        try:
            async with asyncio.timeout(deadline):
                while self._documents or self._session.in_flight:
                    self._session.changed.clear()
                    await self._take_answers()
                    self._session.link.check()
                    self._send_documents()
                    if self._documents or self._session.in_flight:
                        await self._session.changed.wait()
        except TimeoutError:
            log.info("%d packs are not acknowledged at stop", self._session.in_flight)
        except GatewayError as error:
            log.info("at stop: %s", error)

    async def wind_up(self, *, clean: bool, code: int = 0) -> None:
        """Gives back what was not acknowledged, once the session is over or left.

        `clean`: we ended it ourselves; otherwise the broker may have forgotten what it had
        acknowledged in its last seconds, and that is owed again.
        """
        await self._settle_the_rest()
        flying = [m for m in self._session.flying if m.pack is not None]
        sizes = [(m.pack, len(m.body)) for m in flying if m.pack is not None]
        culprit = None if clean else self._blame.ended(code, sizes)
        if culprit is not None:
            await self._give_up(culprit, code)
        waiting = [m.pack for m in (*flying, *self._ready)] + [pack for _, pack in self._again]
        for pack in waiting:
            if pack is not None and pack is not culprit:
                await self._outbox.give_back(pack)
        if not clean:
            await self._overlap()
        self._status.inflight = 0

    async def _settle_the_rest(self) -> None:
        """Answers that came with the end of the session."""
        while self._session.answers:
            message, code = self._session.answers.popleft()
            if message.pack is None:
                continue
            if code == 0:
                await self._settle([message])
            else:
                await self._outbox.give_back(message.pack)

    async def _overlap(self) -> None:
        since = self._session.link.heard - self._settings.overlap
        owed: dict[tuple[str, str], Ranges] = {}
        for at, pack in self._recent:
            if at >= since:
                key = (pack.epoch, pack.stream)
                owed[key] = owed.get(key, Ranges()) | pack.range
        for (epoch, stream), ranges in owed.items():
            await self._outbox.owe(epoch, stream, ranges)

    async def _fill(self) -> None:
        self._send_documents()
        self._looked = self._loop.time()
        while (free := self._free) > 0:
            if not self._ready:
                now = self._looked = self._loop.time()
                pack = await self._next(now, free) if now >= self._paused else None
                if pack is None:
                    return
                for piece in pieces(pack, self._settings.batch):
                    for hopeless in self._fit(piece):
                        await self._give_up(hopeless, words.PACKET_TOO_LARGE)
            if self._ready:
                self._publish(self._ready[0])
                self._ready.popleft()

    def _send_documents(self) -> None:
        while self._documents and self._session.free > 0:
            self._session.publish(self._documents.popleft())

    @property
    def _free(self) -> int:
        return 1 - self._session.in_flight if self._blame.careful else self._session.free

    def _publish(self, message: Message) -> None:
        self._session.publish(message)
        self._status.published += 1
        self._status.bytes += len(message.body)

    async def _next(self, now: float, free: int) -> Pack | None:
        """The pack whose turn it is; None: there is none now."""
        if self._again and self._again[0][0] <= now:
            _, pack = self._again.pop(0)
            return replace(pack, lane=Lane.BACKLOG, again=True)
        window = 1 if self._blame.careful else self._session.window
        while (topic := self._lanes.turn(now, free, window)) is not None:
            limit = self._limit(topic, free, window)
            owed = await self._outbox.owed(topic[0], topic[1], limit)
            if owed is not None:
                self._lanes.took(topic, now, full=owed.last - owed.first + 1 >= limit)
                return owed
            self._lanes.dry(topic)
            self._thirsty.set()
        return None

    def _limit(self, topic: Topic, free: int, window: int) -> int:
        """Records to ask for: one picture; of the backlog as many packs at once as there is room
        for, less the one that is left to live; one where packs have to be small, since live would
        wait."""
        if self._lanes.held(topic) or topic[0] == MEDIA:
            return 1
        several = topic[1] is Lane.BACKLOG and window > 1 and self._blame.limit is None
        return self._settings.batch * (free - 1 if several else 1)

    def _fit(self, pack: Pack) -> list[Pack]:
        """Into `_ready`, in pieces that the broker takes. Returns those that it never will."""
        message = self._encode(pack)
        room, size = self._session.room(message.topic), len(message.body)
        learned = self._blame.limit
        fits = (room is None or size <= room) and (learned is None or size <= learned)
        if fits or (pack.count <= 1 and (room is None or size <= room)):
            self._ready.append(message)
            return []
        if pack.count <= 1:
            return [pack]
        return [hopeless for half in pack.split() for hopeless in self._fit(half)]

    async def _take_answers(self) -> None:
        settled: list[Message] = []
        while self._session.answers:
            message, code = self._session.answers.popleft()
            if code == 0 and message.pack is not None:
                settled.append(message)
            elif message.pack is None:
                self._documented(message, code)
            else:
                await self._settle(settled)
                settled = []
                await self._answered(message, message.pack, code)
        await self._settle(settled)

    def _documented(self, message: Message, code: int) -> None:
        if code >= 0x80 and message.topic not in self._denied:
            self._denied.add(message.topic)
            denied = words.denied(self._session.link.endpoint, message.topic, code)
            log.warning("%s; readings and events go on", denied)

    async def _answered(self, message: Message, pack: Pack, code: int) -> None:
        """Whatever is not plain success."""
        if code == words.NO_MATCHING_SUBSCRIBERS:
            await self._unheard(message, pack)
        elif code in RETRIED:
            await self._refused(pack, code)
        else:
            await self._outbox.give_back(pack)
            raise words.denied(self._session.link.endpoint, message.topic, code)

    async def _settle(self, messages: Sequence[Message]) -> None:
        packs = [message.pack for message in messages if message.pack is not None]
        if not packs:
            return
        if self._status.no_listener:
            self._listened(messages)
        now = self._loop.time()
        for whole in joined(packs):
            await self._outbox.settle(whole)
            self._recent.append((now, whole))
        self._blame.acknowledged(packs)
        self._status.acknowledged += len(packs)
        self._status.records += sum([message.records for message in messages])
        while self._recent[0][0] < now - self._settings.overlap:
            self._recent.popleft()

    def _listened(self, messages: Sequence[Message]) -> None:
        for message in messages:
            pack = message.pack
            if pack is not None and self._lanes.release((pack.stream, pack.lane)):
                log.info("%s: somebody subscribes to %s now", self._settings.id, message.topic)
        self._status.no_listener = self._lanes.holding
        if not self._lanes.holding:
            self._status.state = "connected"

    async def _unheard(self, message: Message, pack: Pack) -> None:
        news = not self._status.no_listener
        self._status.no_listener = True
        if self._settings.no_listener == "settle":
            if news:
                log.warning("%s: nobody subscribes; settled all the same", self._settings.id)
            await self._settle([message])
            self._status.no_listener = True
            return
        self._status.state = "holding"
        if self._lanes.hold((pack.stream, pack.lane), self._loop.time()):
            log.warning(
                "%s: nobody subscribes to %s; its records are kept until somebody does",
                self._settings.id,
                message.topic,
            )
        await self._outbox.give_back(pack)
        self._lanes.renewed()

    async def _refused(self, pack: Pack, code: int) -> None:
        strikes = self._blame.strike(pack)
        if strikes >= TRIES:
            await self._give_up(pack, code)
            return
        due = self._loop.time() + seconds(self._pace.same_pack, strikes)
        self._again = sorted([*self._again, (due, pack)], key=lambda one: one[0])
        if code == words.QUOTA_EXCEEDED:
            self._paused = due
        log.warning(
            "%s: the broker would not take %s %d-%d (code %#04x); tried again in %.0f s",
            self._settings.id,
            pack.stream,
            pack.first,
            pack.last,
            code,
            due - self._loop.time(),
        )

    async def _give_up(self, pack: Pack, code: int) -> None:
        reason = REASONS.get(code, "refused")
        await self._outbox.refuse(pack, reason)
        self._status.refused += 1
        log.error(
            "%s: %s %d-%d will never be taken (%s): kept on disk, told as a gap; the rest goes on",
            self._settings.id,
            pack.stream,
            pack.first,
            pack.last,
            reason,
        )

    async def _rest(self) -> None:
        """Until something changes, or something is due that was not at the last look."""
        waits = [self._lanes.due(self._looked), self._paused]
        if self._again:
            waits.append(self._again[0][0])
        later = [wait for wait in waits if wait is not None and wait > self._looked]
        due = min(later, default=None)
        alarm = self._loop.call_at(due, self._session.changed.set) if due is not None else None
        try:
            await self._session.changed.wait()
        finally:
            if alarm is not None:
                alarm.cancel()
