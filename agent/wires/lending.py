"""A wire of the running service, lent for one exchange to somebody who does not own it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent.contract import Line, Misconfigured
from agent.wires.owner import GAP, Tap
from agent.wires.wires import Wires

MOST = 8192  # bytes that one exchange may bring
LONGEST = 30.0  # s that one exchange may keep the wire from its devices


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is to be said on a wire. Seconds.

    An empty request says nothing, and listens for all of `timeout`; else what was heard ends with
    a pause of `gap`, or when nothing at all came within `timeout`.
    """

    request: bytes
    timeout: float
    line: Line | None = None  # None: the wire's own
    guard: float = 0.0
    gap: float = GAP

    def to_json(self) -> dict[str, Any]:
        line = self.line and {
            "baud": self.line.baud,
            "parity": self.line.parity,
            "stop_bits": self.line.stop_bits,
            "data_bits": self.line.data_bits,
        }
        return {
            "request": self.request.hex(),
            "timeout": self.timeout,
            "line": line,
            "guard": self.guard,
            "gap": self.gap,
        }

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> "Exchange":
        """Raises Misconfigured when it is none."""
        try:
            line = asked.get("line")
            exchange = cls(
                bytes.fromhex(asked["request"]),
                float(asked["timeout"]),
                None if line is None else Line(**line),
                float(asked.get("guard", 0.0)),
                float(asked.get("gap", GAP)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(
                "that is no exchange on a wire: {error}",
                hint="use the commands of the same version as the service",
                error=error,
            ) from error
        if not 0 <= max(exchange.timeout, exchange.guard, exchange.gap) <= LONGEST:
            raise Misconfigured(
                "a wire is lent for {longest:g} s at most",
                hint="ask for less time",
                longest=LONGEST,
            )
        return exchange


async def exchange(wires: Wires, name: str, asked: Exchange) -> bytes:
    """What was heard, without the echo of the request where the wire is known to have one.

    Raises LinkLost while the port or peer is not there, or when the wire does not fall silent.
    """
    ear = _Ear()
    async with wires.wire(name).turn(asked.line, asked.guard) as turn:
        if not asked.request:
            return (await turn.listen(asked.timeout))[:MOST]
        taps = wires.taps(name)
        tap: Tap = ear.tap
        taps.add(tap)
        try:
            await turn.tell(asked.request)
            await ear.until_silent(asked.timeout, asked.gap)
        finally:
            taps.discard(tap)
    heard = bytes(ear.heard)
    return heard.removeprefix(asked.request) if wires.spec(name).echo else heard


class _Ear:
    def __init__(self) -> None:
        self.heard = bytearray()
        self._news = asyncio.Event()

    def tap(self, direction: Literal["tx", "rx"], data: bytes) -> None:
        if direction == "rx" and len(self.heard) < MOST:
            self.heard += data
            self._news.set()

    async def until_silent(self, timeout: float, gap: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST
        wait = gap if self.heard else timeout
        while (left := min(wait, end - loop.time())) > 0 and len(self.heard) < MOST:
            self._news.clear()
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return
            wait = gap
