"""One question to a unit, all that can be heard of an answer, and the bus time that it took."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from agent.contract import WIRE_GONE, Line, LinkLost, Turn, Wire
from drivers.modbus import codec
from drivers.modbus.planner import Block

REPORT_ID, IDENTIFY = 17, 43
_NOT_REACHED = frozenset({10, 11})  # a converter says that nobody answered it
_PAUSE = 0.1  # s of silence that end an answer which had begun
_LONGEST = 512  # characters of one


@dataclass(frozen=True, slots=True)
class Outcome:
    """`delay`: s between request and answer. `twice`: two answers came to one question. `strays`:
    other units that were heard, because they answer late. `echo`: the request was heard, too."""

    kind: Literal["data", "refusal", "silence", "garbled"]
    data: bytes = b""
    code: int = 0
    delay: float = 0.0
    twice: bool = False
    strays: tuple[int, ...] = ()
    echo: bool = False

    @property
    def answered(self) -> bool:
        return self.kind in {"data", "refusal"}


SILENCE = Outcome("silence")


class _Open(codec.Request):
    """Anything that the unit says to this function is its answer."""

    def fits(self, pdu: bytes) -> bool:
        return pdu[0] & 0x7F == self.function


def question(unit: int, block: Block) -> codec.Request:
    plain = codec.read(unit, block)
    return _Open(plain.unit, plain.function, plain.body, plain.size)


def identity_questions(unit: int) -> tuple[codec.Request, codec.Request]:
    """Report server id; read device identification, the basic objects."""
    return _Open(unit, REPORT_ID, b""), _Open(unit, IDENTIFY, b"\x0e\x01\x00")


@dataclass(slots=True)
class Asker:
    """`bus`: s that the wire was kept so far: transmission, waiting, silences."""

    wire: Wire
    guard: float
    bus: float = 0.0

    async def ask(
        self, request: codec.Request, line: Line | None, wait: float, after: float = 0.0
    ) -> Outcome:
        """`wait`: s for the answer to begin. `after`: listen so long for a second one. Raises
        LinkLost only when the port or peer is gone."""
        began = _now()
        try:
            async with self.wire.turn(line, self.guard) as turn:
                began = _now()
                if self.wire.framing == "tcp":
                    outcome = await _ask_tcp(turn, request, wait)
                else:
                    outcome = await _ask_rtu(turn, request, wait, after, line or Line())
        except LinkLost as error:  # the wire does not fall silent, so that nothing can be asked
            if error.reason != "babble":
                raise
            outcome = Outcome("garbled")
        silence = max(line.silence, self.guard) if line else 0.0
        heard = _LONGEST if outcome.kind == "garbled" else len(outcome.data)
        most = self.cost(line, wait + after + _PAUSE, heard)  # beside a service others talk, too
        self.bus += min(silence + _now() - began, most)
        return outcome

    def cost(self, line: Line | None, wait: float, data: int = 0) -> float:
        """Seconds of bus time, at most."""
        if line is None or self.wire.framing == "tcp":
            return wait
        return max(line.silence, self.guard) + (13 + data) * line.character + wait


async def _ask_rtu(
    turn: Turn, request: codec.Request, wait: float, after: float, line: Line
) -> Outcome:
    ear = _Ear(request)
    began = _now()
    try:
        await turn.ask(request.rtu_frame, ear.accept, wait)
    except LinkLost as error:
        if error.reason in WIRE_GONE:
            raise
    characters = len(request.rtu_frame) + len(ear.answer)
    delay = max(0.0, _now() - began - characters * line.character)
    if ear.answer and after:
        ear.take(await turn.listen(after))
    return ear.outcome(delay)


async def _ask_tcp(turn: Turn, request: codec.Request, wait: float) -> Outcome:
    exchange = codec.MbapExchange(request)
    began = _now()
    try:
        frame = await turn.ask(exchange.frame, exchange.accept, wait)
    except LinkLost as error:
        if error.reason in WIRE_GONE:
            raise
        return Outcome("garbled") if exchange.garbled else SILENCE
    code, data = exchange.answer(frame)
    if code in _NOT_REACHED:
        return SILENCE
    return Outcome("refusal" if code else "data", data, code, _now() - began)


class _Ear:
    """Everything that is heard after a request on a serial line."""

    def __init__(self, request: codec.Request) -> None:
        self._request = request
        self._heard = bytearray()
        self.answer = b""

    def accept(self, heard: bytearray) -> bytes | None:
        self._heard = bytearray(heard)
        found = answers(self._without_echo(), self._request)
        self.answer = found[0] if found else b""
        return self.answer or None

    def take(self, more: bytes) -> None:
        self._heard += more

    def outcome(self, delay: float) -> Outcome:
        heard = self._without_echo()
        echo = len(heard) < len(self._heard)
        strays = _strays(heard, self._request.unit)
        if not self.answer:
            kind: Literal["silence", "garbled"] = "garbled" if heard and not strays else "silence"
            return Outcome(kind, strays=strays, echo=echo)
        rest = len(heard) - len(self.answer) - sum(size for _, size in _frames(heard, strays))
        twice = rest > 2  # a byte or two of noise are usual when a driver lets go of the line
        if self.answer[1] & codec.REFUSAL:
            return Outcome("refusal", b"", self.answer[2], delay, twice, strays, echo)
        return Outcome("data", self.answer[3:-2], 0, delay, twice, strays, echo)

    def _without_echo(self) -> bytearray:
        return self._heard.removeprefix(self._request.rtu_frame)


def answers(heard: bytearray, request: codec.Request) -> list[bytes]:
    """Whole frames that the asked unit says to the asked function."""
    found, at = [], 0
    while at + 5 <= len(heard):
        size = _size(heard, at, request)
        if size:
            found.append(bytes(heard[at : at + size]))
        at += size or 1
    return found


def _size(heard: bytearray, at: int, request: codec.Request) -> int:
    """Bytes of the answer that starts here; 0 where none does, or not all of it has come."""
    if heard[at] != request.unit or heard[at + 1] & 0x7F != request.function:
        return 0
    if heard[at + 1] & codec.REFUSAL:
        sizes = range(5, 6)
    elif request.function == IDENTIFY:
        sizes = range(10, len(heard) - at + 1)
    elif request.function == REPORT_ID:
        sizes = range(5 + heard[at + 2], 6 + heard[at + 2])
    else:
        sizes = range(5 + request.size, 6 + request.size)
    whole = (n for n in sizes if at + n <= len(heard) and codec.crc_ok(heard[at : at + n]))
    return next(whole, 0)


def _strays(heard: bytearray, unit: int) -> tuple[int, ...]:
    """Units other than the asked one that spoke a whole frame."""
    return tuple(sorted({who for who, _ in _all_frames(heard) if who not in {0, unit}}))


def _frames(heard: bytearray, units: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(who, size) for who, size in _all_frames(heard) if who in units]


def _all_frames(heard: bytearray) -> list[tuple[int, int]]:
    """(unit, bytes) of the whole answers to reads."""
    found, at = [], 0
    while at + 5 <= len(heard):
        size = codec.answer_size(heard, at)
        whole = size is not None and at + size <= len(heard)
        if size and whole and codec.crc_ok(heard[at : at + size]):
            found.append((heard[at], size))
            at += size
        else:
            at += 1
    return found


def _now() -> float:
    return asyncio.get_running_loop().time()
