"""How the bus doctor examines a device with frames of its own: its polls, and what comes back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.contract import Device, Host, Line, LinkLost, Sound, Verdict
from drivers.serial_line.codec import Codec
from drivers.serial_line.hunt import Hunt
from drivers.serial_line.profile import Exchange
from drivers.serial_line.raw import Raw
from drivers.serial_line.reader import Frame
from drivers.serial_line.station import Station

MOST = 4  # different questions


def probe(device: Device, host: Host) -> "SerialLineProbe":
    """Raises Misconfigured."""
    station = Station.of(device, host)
    codec = Codec(station.profile, station.check)
    polls = [poll for poll in station.profile.polls.values() if _answers(station, poll)]
    return SerialLineProbe(station, codec, {_built(station, codec, p): p for p in polls[:MOST]})


@dataclass(frozen=True)
class SerialLineProbe:
    """Implements Probe. `polls`: by the bytes that ask them."""

    station: Station
    codec: Codec
    polls: dict[bytes, Exchange]

    @property
    def label(self) -> str:
        address = self.station.address
        return self.station.device if address is None else f"address {address}"

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
        return tuple(self.polls)

    @property
    def speaks(self) -> bool:
        return bool(self.station.profile.listens)

    def head(self, question: bytes) -> bytes:  # noqa: ARG002  a Probe
        """Not known: profiles differ."""
        return b""

    def judge(self, question: bytes, heard: bytes) -> Verdict:
        if not question:
            return self._unasked(heard)
        at = heard.find(question)
        echo = at >= 0
        rest = heard[at + len(question) :] if echo else heard
        hunt = Hunt(self.codec, self.station, self.polls[question], question)
        try:
            hunt.accept(bytearray(rest), final=True)
        except LinkLost:  # another answer of this device, or a second one
            return self._several(question, rest, echo=echo)
        if hunt.frames:
            return _answered(hunt, rest, echo=echo)
        return Verdict(self._otherwise(rest), echo)

    def frames(self, heard: bytes) -> Sequence[str]:
        return [_told(frame) for frame in self._sifted(heard)]

    def _unasked(self, heard: bytes) -> Verdict:
        ours = [f for f in self._sifted(heard) if self.station.is_addressed(f.fields)]
        if ours:
            return Verdict(Sound.ANSWER, answers=len(ours))
        return Verdict(self._otherwise(heard))

    def _several(self, question: bytes, rest: bytes, *, echo: bool) -> Verdict:
        """Two devices with one address both give the answer; a late one is another."""
        wanted = self.polls[question].answer
        fits = [f for f in self._sifted(rest) if f.message == wanted]
        if len(fits) > 1:
            return Verdict(Sound.ANSWER, echo, answers=len(fits))
        return Verdict(Sound.STALE, echo)

    def _otherwise(self, rest: bytes) -> Sound:
        if not rest:
            return Sound.NOTHING
        return Sound.STRANGER if self._sifted(rest) else Sound.NOISE

    def _sifted(self, heard: bytes) -> list[Frame]:
        return self.codec.sift(heard, final=True).frames


def _answered(hunt: Hunt, rest: bytes, *, echo: bool) -> Verdict:
    first, last = hunt.frames[0].data, hunt.frames[-1].data
    return Verdict(
        Sound.REFUSAL if hunt.refused is not None else Sound.ANSWER,
        echo,
        before=max(0, rest.find(first)),
        after=max(0, len(rest) - rest.rfind(last) - len(last)),
        answers=1,
        code=1 if hunt.refused is not None else 0,
    )


def _answers(station: Station, poll: Exchange) -> bool:
    own = station.profile.address
    deaf = station.broadcast and not (own and own.broadcast_answers)
    return poll.answer is not None and not deaf


def _built(station: Station, codec: Codec, poll: Exchange) -> bytes:
    return codec.build(poll.send, dict(_told_fields(station, codec, poll)))


def _told_fields(station: Station, codec: Codec, poll: Exchange) -> Iterator[tuple[str, Raw]]:
    known = codec.values(poll.send)
    own = station.profile.address
    if own is not None and station.address is not None and own.field in known:
        yield own.field, station.address
    yield from ((name, raw) for name, raw in station.fields.items() if name in known)


def _told(frame: Frame) -> str:
    fields = ", ".join(f"{name}={value}" for name, value in frame.fields.items())
    return f"{frame.message or 'a frame'}: {fields}" if fields else frame.message or "a frame"
