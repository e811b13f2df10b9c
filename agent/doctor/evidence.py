"""What was measured on a wire. Facts only; what they mean is `judge`'s."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.contract import Line, Sound, Verdict

Kind = Literal["serial", "converter", "network"]
Trouble = Literal["", "missing", "held", "denied", "peer", "broken"]
GARBLED = frozenset({Sound.BROKEN, Sound.NOISE})


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and what followed. `line` None: as configured. `late`: it began after the time
    that the device is given. `mirrored`: it began as the answer does behind swapped wires."""

    device: str
    question: bytes
    heard: bytes
    verdict: Verdict
    line: Line | None = None
    late: bool = False
    mirrored: bool = False

    @property
    def rest(self) -> bytes:
        """Without the echo of the question."""
        at = self.heard.find(self.question) if self.question else -1
        return self.heard if at < 0 else self.heard[at + len(self.question) :]


@dataclass(frozen=True, slots=True)
class Quiet:
    """What was heard while nothing was asked. `strangers`: whole frames that no device of ours
    sends unasked; `babble`: the wire did not fall silent."""

    seconds: float = 0.0
    heard: bytes = b""
    bursts: int = 0
    strangers: tuple[str, ...] = ()
    babble: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of all questions to one device, as configured."""

    device: str
    asked: int
    whole: int  # answers to the question, late ones too
    late: int
    refused: int
    silent: int
    garbled: int
    astray: int  # whole frames that answer something else
    fringed: int  # answers with bytes before or behind them
    twice: int  # two answers
    mirrored: int
    zeros: int  # nothing but one or two 0x00: a line held the wrong way round
    codes: tuple[int, ...]

    @classmethod
    def of(cls, device: str, asked: Sequence[Asked]) -> "Tally":
        sounds = [one.verdict.sound for one in asked]
        verdicts = [one.verdict for one in asked]
        return cls(
            device=device,
            asked=len(asked),
            whole=sounds.count(Sound.ANSWER),
            late=sum(one.late for one in asked),
            refused=sounds.count(Sound.REFUSAL),
            silent=sounds.count(Sound.NOTHING),
            garbled=sum(sound in GARBLED for sound in sounds),
            astray=sounds.count(Sound.STALE) + sounds.count(Sound.STRANGER),
            fringed=sum(v.answers > 0 and v.before + v.after > 0 for v in verdicts),
            twice=sum(v.answers > 1 for v in verdicts),
            mirrored=sum(one.mirrored for one in asked),
            zeros=sum(0 < len(one.rest) <= 2 and not any(one.rest) for one in asked),
            codes=tuple(sorted({v.code for v in verdicts if v.code})),
        )

    @property
    def answers(self) -> int:
        """Whole ones that the device meant for us, refusals too."""
        return self.whole + self.refused

    @property
    def well(self) -> bool:
        return self.whole == self.asked and not (self.late or self.fringed or self.twice)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`asked` at the configured settings, `paused` after a long silence, `elsewhere` at other
    settings. `ear`: the adapter is expected to hear itself. `mute`: devices that only speak
    unasked; `unknown`: those that can neither be asked nor heard. `holders`: programs that have
    the port open beside us."""

    wire: str
    kind: Kind = "serial"
    line: Line = field(default_factory=Line)
    shared: bool = False
    ear: bool = False
    trouble: Trouble = ""
    said: str = ""  # of the trouble, in English
    quiet: Quiet = Quiet()
    asked: tuple[Asked, ...] = ()
    paused: tuple[Asked, ...] = ()
    elsewhere: tuple[Asked, ...] = ()
    mute: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()

    @property
    def tallies(self) -> list[Tally]:
        return tallies(self.asked)

    @property
    def echoes(self) -> bool:
        """Most questions came back, where the adapter is not expected to hear itself."""
        echoed = sum(one.verdict.echo for one in self.asked)
        return not self.ear and 2 * echoed > len(self.asked)

    @property
    def echo_missing(self) -> bool:
        """The adapter is expected to hear itself, and does not. The service hides it."""
        echoed = any(one.verdict.echo for one in self.asked)
        return self.ear and not self.shared and bool(self.asked) and not echoed

    @property
    def well(self) -> bool:
        quiet = not self.quiet.heard and not self.quiet.babble
        ear = not self.echoes and not self.echo_missing
        heard = bool(self.asked) and all(t.well for t in self.tallies)
        return not self.trouble and quiet and ear and heard

    @property
    def unheard(self) -> tuple[str, ...]:
        """Devices that speak unasked, and did not."""
        spoke = {one.device for one in self.asked}
        return tuple(device for device in self.mute if device not in spoke)

    def found(self) -> dict[str, Line]:
        """Devices that gave a whole answer at other settings, and at which."""
        return {
            one.device: one.line
            for one in reversed(self.elsewhere)
            if one.line is not None and one.verdict.answers
        }


def tallies(asked: Sequence[Asked]) -> list[Tally]:
    """One for each device, in the order in which they were asked first."""
    devices = dict.fromkeys(one.device for one in asked)
    return [Tally.of(name, [one for one in asked if one.device == name]) for name in devices]
