"""How the bus doctor examines a Modbus device: the reads of its own plan, and what comes back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.contract import Device, Host, Line, Sound, Verdict
from drivers.modbus import planner
from drivers.modbus.codec import READS, REFUSAL, Request, answer_size, crc_ok, exchange, read
from drivers.modbus.station import Station

MOST = 4  # different questions
_MULTIPLE = frozenset({15, 16})
Frame = tuple[int, bytes]  # where it starts, and the whole of it


def probe(device: Device, host: Host) -> "ModbusProbe":
    """Raises Misconfigured."""
    station = Station.of(device, host)
    cost = planner.Cost.on_line(station.profile.line.line, station.profile.timing.latency, 0.0)
    blocks = planner.plan(station.profile, station.points, cost)
    tcp = host.wire().framing == "tcp"
    requests = [read(station.unit, block) for block in blocks[:MOST]]
    if tcp:
        return ModbusProbe(station, {exchange("tcp", r).frame: r for r in requests}, tcp=True)
    return ModbusProbe(station, {r.rtu_frame: r for r in requests})


@dataclass(frozen=True)
class ModbusProbe:
    """Implements Probe. `requests`: by the bytes that ask them."""

    station: Station
    requests: dict[bytes, Request]
    tcp: bool = False

    @property
    def label(self) -> str:
        return f"unit {self.station.unit}"

    @property
    def line(self) -> Line | None:
        return self.station.line

    @property
    def factory(self) -> Line:
        return self.station.profile.line.line

    @property
    def timeout(self) -> float:
        return self.station.timeout

    @property
    def guard(self) -> float:
        return self.station.guard

    @property
    def questions(self) -> Sequence[bytes]:
        return tuple(self.requests)

    @property
    def speaks(self) -> bool:
        return False

    def head(self, question: bytes) -> bytes:
        return b"" if self.tcp else self.requests[question].answer_head

    def judge(self, question: bytes, heard: bytes) -> Verdict:
        if not question:
            whole = [f for f in whole_frames(heard, tcp=self.tcp) if _unit(f[1], self.tcp)[0]]
            return Verdict(Sound.ANSWER if whole else _unlike(heard), answers=len(whole))
        at = heard.find(question)
        echo = at >= 0
        rest = heard[at + len(question) :] if echo else heard
        return self._judged(self.requests[question], question, rest, echo=echo)

    def frames(self, heard: bytes) -> Sequence[str]:
        return [_told(frame, self.tcp) for _, frame in whole_frames(heard, tcp=self.tcp)]

    def _judged(self, request: Request, question: bytes, rest: bytes, *, echo: bool) -> Verdict:
        whole = list(whole_frames(rest, tcp=self.tcp))
        ours = [f for f in whole if _unit(f[1], self.tcp)[0] == request.unit]
        fits = [f for f in ours if self._is_answer(request, question, f[1])]
        if not fits:
            return Verdict(self._otherwise(request, rest, whole, ours), echo)
        code = _refusal(fits[0][1], self.tcp)
        last, frame = fits[-1]
        return Verdict(
            Sound.REFUSAL if code else Sound.ANSWER,
            echo,
            before=fits[0][0],
            after=len(rest) - last - len(frame),
            answers=len(fits),
            code=code,
        )

    def _is_answer(self, request: Request, question: bytes, frame: bytes) -> bool:
        if self.tcp and frame[:2] != question[:2]:
            return False
        return request.fits(frame[7:] if self.tcp else frame[1:-2])

    def _otherwise(
        self, request: Request, rest: bytes, whole: Sequence[Frame], ours: Sequence[Frame]
    ) -> Sound:
        if whole:
            return Sound.STALE if ours else Sound.STRANGER
        if not rest:
            return Sound.NOTHING
        begun = bytes([request.unit, request.function]) in rest[:6]
        alike = abs(len(rest) - 5 - request.size) <= 2
        return Sound.BROKEN if begun or alike else Sound.NOISE


def whole_frames(heard: bytes, *, tcp: bool) -> Iterator[Frame]:
    """Requests and answers alike, of any unit."""
    at = 0
    while at < len(heard):
        size = _mbap_size(heard, at) if tcp else _rtu_size(heard, at)
        if size:
            yield at, heard[at : at + size]
        at += size or 1


def _rtu_size(heard: bytes, at: int) -> int:
    """Of the whole frame that starts here; 0 when none does."""
    for size in _sizes(heard, at):
        if size >= 5 and at + size <= len(heard) and crc_ok(heard[at : at + size]):
            return size
    return 0


def _sizes(heard: bytes, at: int) -> Iterator[int]:
    yield answer_size(bytearray(heard), at) or 0
    yield 8  # a request to read, or to write one
    if at + 7 < len(heard) and heard[at + 1] in _MULTIPLE:
        yield 9 + heard[at + 6]


def _mbap_size(heard: bytes, at: int) -> int:
    head = heard[at : at + 6]
    size = int.from_bytes(head[4:6]) if len(head) == 6 and not any(head[2:4]) else 0
    return 6 + size if 3 <= size <= 254 and at + 6 + size <= len(heard) else 0


def _unit(frame: bytes, tcp: bool) -> tuple[int, int]:
    """(unit, function code)."""
    return (frame[6], frame[7]) if tcp else (frame[0], frame[1])


def _refusal(frame: bytes, tcp: bool) -> int:
    """The exception code; 0 for none."""
    _, function = _unit(frame, tcp)
    return frame[8 if tcp else 2] if function & REFUSAL else 0


def _unlike(heard: bytes) -> Sound:
    return Sound.NOISE if heard else Sound.NOTHING


def _told(frame: bytes, tcp: bool) -> str:
    unit, function = _unit(frame, tcp)
    pdu = frame[7:] if tcp else frame[1:-2]
    if function & REFUSAL:
        return f"unit {unit} refuses function {function ^ REFUSAL}: exception {pdu[1]}"
    if function in READS and len(pdu) == 2 + pdu[1]:
        return f"unit {unit} answers function {function}: {pdu[1]} bytes"
    if function in READS:
        first, count = int.from_bytes(pdu[1:3]), int.from_bytes(pdu[3:5])
        return f"unit {unit} is asked for {count} from {first} on, function {function}"
    return f"unit {unit}: a write, function {function}, {pdu[1:].hex(' ')}"
