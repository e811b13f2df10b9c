"""One wire: who may talk, when, and what was heard."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal

from agent.contract import Accept, Ear, GatewayError, Line, LinkLost, Turn
from agent.status import WireStatus
from agent.wires.alarms import Alarms
from agent.wires.connection import Connection, Dialer
from agent.wires.hearing import Hearing, nothing
from agent.wires.overhearing import Overhearing
from agent.wires.spec import WireSpec
from agent.wires.troubles import says_nothing_new

log = logging.getLogger(__name__)

Tap = Callable[[Literal["tx", "rx"], bytes], None]

BABBLE = 2.0  # s that a wire may go on chattering before a request is given up
GAP = 0.1  # s without a byte that end an answer which had begun; USB adapters hold bytes for 16 ms
LONGEST = 512  # characters of the longest answer
DEAF = 3  # requests in a row without a single byte, then a socket is taken for dead


class Owner:
    """Implements `Wire`. All of its state belongs to the event loop."""

    def __init__(self, spec: WireSpec, dialer: Dialer, status: WireStatus) -> None:
        self.name = spec.name
        self.framing = spec.framing
        self.spec, self.status = spec, status
        self.taps: set[Tap] = set()
        self.ears: set[Overhearing] = set()
        self.lock = asyncio.Lock()  # fair: turns are given in the order of asking
        self._dialer = dialer
        self._connection: Connection | None = None
        self._hearing: Hearing | None = None
        self._quiet_from = 0.0  # loop time when the last byte was heard, or will have left
        self._owed_until = 0.0  # loop time until which a cancelled request may be answered
        self._deaf = 0
        self._alarms: Alarms | None = None
        self._closed = False

    def turn(
        self, line: Line | None = None, guard: float = 0.0
    ) -> AbstractAsyncContextManager[Turn]:
        return _Turn(self, line or self.spec.line, guard)

    def overhear(self, line: Line | None = None) -> AbstractAsyncContextManager[Ear]:
        async def connect() -> None:
            async with self.lock:
                await self.connected(line or self.spec.line)

        return Overhearing(self, connect)

    async def connected(self, line: Line) -> None:
        """Raises LinkLost while there is nothing to connect to."""
        if self._closed:
            raise LinkLost("the wire {wire} is closed", reason="no_port", wire=self.name)
        if self._connection is not None and self._deaf >= DEAF:
            await self._hang_up("open")
        if self._connection is not None:
            self._connection.set_line(line)
            return
        try:
            self._connection = await self._dialer.dial(line, self)
        except GatewayError as error:
            self._lost(error)
            raise
        self._opened()

    async def silent(self, seconds: float) -> None:
        """Waits until nothing has been heard or sent for that long."""
        loop = asyncio.get_running_loop()
        if self._owed_until > loop.time():
            await self._pause_until(self._owed_until)
        patience = loop.time() + seconds + BABBLE
        while (until := self._quiet_from + seconds) > loop.time():
            if loop.time() > patience:
                raise LinkLost(
                    "{wire} does not fall silent",
                    hint="a device talks without being asked, or A and B are swapped: unplug the "
                    "devices one by one",
                    reason="babble",
                    wire=self.name,
                )
            await self._pause_until(until)

    async def ask(self, request: bytes, accept: Accept, timeout: float, line: Line) -> bytes:
        hearing = Hearing(accept, request if self.spec.echo else b"")
        left = self._send(request, line)
        limit = left + timeout + self.spec.characters(LONGEST, line)

        def expire(hearing: Hearing) -> None:
            begun = hearing.heard > 0 and not hearing.echo_missing
            patience = min(limit, self._quiet_from + GAP)
            if begun and patience > loop.time():
                hearing.set_timer(patience, expire)
                return
            self.status.lost += loop.time() - left
            self._deaf += hearing.heard == 0 and self.spec.port is None
            hearing.fail(no_answer(hearing.noise, timeout, echo_missing=hearing.echo_missing))

        loop = asyncio.get_running_loop()
        hearing.set_timer(left + timeout, expire)
        try:
            return await self._listen(hearing)
        except asyncio.CancelledError:
            self._owed_until = left + timeout
            raise

    async def tell(self, request: bytes, line: Line) -> None:
        hearing = Hearing(nothing, request if self.spec.echo else b"")
        left = self._send(request, line)
        hearing.set_timer(left + (GAP if self.spec.echo else 0.0), Hearing.finish)
        self.status.noise += len(await self._listen(hearing))

    async def listen(self, seconds: float) -> bytes:
        hearing = Hearing(nothing)
        hearing.set_timer(asyncio.get_running_loop().time() + seconds, Hearing.finish)
        return await self._listen(hearing)

    def heard(self, connection: Connection, data: bytes) -> None:
        if connection is not self._connection:
            return
        self._quiet_from = asyncio.get_running_loop().time()
        self._deaf = 0
        for tap in tuple(self.taps):
            tap("rx", data)
        for ear in self.ears:
            ear.feed(data)
        if self._hearing is None:
            self.status.noise += 0 if self.ears else len(data)
        else:
            self._hearing.feed(data)

    def gone(self, connection: Connection, error: LinkLost) -> None:
        if connection is self._connection:
            self._leave(error)

    async def close(self) -> None:
        self._closed = True
        await self._hang_up("closed")
        if self._alarms is not None:
            self._alarms.close()

    async def _pause_until(self, when: float) -> None:
        if self._alarms is None:
            self._alarms = Alarms()
        await self._alarms.sleep_until(when)

    def _send(self, data: bytes, line: Line) -> float:
        """Returns the loop time at which the last byte will have left."""
        connection = self._connection
        if connection is None:
            raise LinkLost("the wire {wire} was lost", reason="no_port", wire=self.name)
        try:
            connection.send(data)
        except LinkLost as error:
            self._leave(error)
            raise
        for tap in tuple(self.taps):
            tap("tx", data)
        now = asyncio.get_running_loop().time()
        self._quiet_from = now + self.spec.characters(len(data), line)
        return self._quiet_from

    async def _listen(self, hearing: Hearing) -> bytes:
        self._hearing = hearing
        try:
            return await hearing.answer
        finally:
            self._hearing = None
            hearing.end()
            self.status.noise += hearing.noise

    async def _hang_up(self, state: str) -> None:
        connection, self._connection = self._connection, None
        self.status.state = state
        self._deaf = 0
        self._tell_lost(LinkLost("the wire {wire} is closed", reason="no_port", wire=self.name))
        if connection is not None:
            connection.close()
            await connection.closed()

    def _opened(self) -> None:
        if self.status.state == "lost":
            log.info("%s: is back", self.name)
        self.status.state, self.status.error = "open", ""
        self.status.opened += 1
        self._deaf = 0

    def _leave(self, error: LinkLost) -> None:
        """The connection is no more. A peer that hangs up is redialled at the next turn."""
        connection, self._connection = self._connection, None
        self._tell_lost(error)
        if connection is not None:
            connection.close()
        if self.spec.port is None:
            self.status.state = "closed"
        else:
            self._lost(error)

    def _tell_lost(self, error: LinkLost) -> None:
        if self._hearing is not None:
            self._hearing.fail(error)
        for ear in self.ears:
            ear.fail(error)

    def _lost(self, error: GatewayError) -> None:
        """Complained of once for each cause."""
        lost = self.status.state == "lost"
        if lost and (self.status.error == str(error) or says_nothing_new(error)):
            return
        log.warning("%s: %s; looking for it until it is back", self.name, error)
        self.status.state, self.status.error = "lost", str(error)


class _Turn:
    def __init__(self, owner: Owner, line: Line, guard: float) -> None:
        self._owner, self._line = owner, line
        self._silence = owner.spec.silence(line, guard)
        self._began = 0.0

    async def __aenter__(self) -> Turn:
        await self._owner.lock.acquire()
        try:
            await self._owner.connected(self._line)
            await self._owner.silent(self._silence)
        except BaseException:
            self._owner.lock.release()
            raise
        self._owner.status.turns += 1
        self._began = asyncio.get_running_loop().time()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._owner.status.busy += asyncio.get_running_loop().time() - self._began
        self._owner.lock.release()

    async def ask(self, request: bytes, accept: Accept, timeout: float) -> bytes:
        await self._owner.silent(self._silence)
        return await self._owner.ask(request, accept, timeout, self._line)

    async def tell(self, request: bytes) -> None:
        await self._owner.silent(self._silence)
        await self._owner.tell(request, self._line)

    async def listen(self, seconds: float) -> bytes:
        return await self._owner.listen(seconds)


def no_answer(noise: int, timeout: float, *, echo_missing: bool = False) -> LinkLost:
    """Nothing but so many bytes of noise was heard within so many seconds."""
    if echo_missing:
        return LinkLost(
            "the request was not echoed within {timeout:g} s",
            hint="the adapter is broken, or it does not hear itself: take out `echo: true`",
            reason="no_echo",
            timeout=timeout,
        )
    if noise:
        return LinkLost(
            "no whole answer within {timeout:g} s, only {count} bytes that are none",
            hint="check baud and parity, then A and B, the end resistor and the shield",
            timeout=timeout,
            count=noise,
        )
    return LinkLost(
        "no answer within {timeout:g} s",
        hint="check the device's power, its address, baud and parity, then A and B",
        timeout=timeout,
    )
