"""From what was measured to what may be the matter. Pure.

Each rule looks at one kind of sign and hints at all causes that leave it, with weights; a cause
that several signs point to rises. Weights are judgements of experience, tried on simulated wires
(`benchmarks/doctor.py`); nothing excludes a cause, it only falls behind.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from agent.contract import Line
from agent.doctor.causes import SURE, Cause, Ill, Judgement, ranked
from agent.doctor.evidence import Evidence, Tally, tallies

Hints = Iterator[Cause]

_TROUBLES = {
    "missing": Ill.PORT_MISSING,
    "held": Ill.PORT_HELD,
    "denied": Ill.PORT_DENIED,
    "peer": Ill.PEER,
    "broken": Ill.PORT_MISSING,
}
_ELECTRICAL = frozenset(
    {Ill.REVERSED, Ill.LINE_SETTINGS, Ill.ECHO, Ill.INTERFERENCE, Ill.BIAS, Ill.PAUSE}
)
_BEHIND = frozenset({10, 11})  # exceptions by which a converter says: nobody answers me


def judge(evidence: Evidence, doubts: Mapping[Ill, float] | None = None) -> Judgement:
    """`doubts`: what causes are worth whose step has been tried without use; 1 where not."""
    if evidence.trouble:
        return Judgement((Cause(_TROUBLES[evidence.trouble], SURE, (), _port(evidence)),))
    if evidence.well:
        return Judgement()
    hints = [hint for rule in _RULES for hint in rule(evidence)]
    if evidence.kind == "network":
        hints = [hint for hint in hints if hint.ill not in _ELECTRICAL]
    weighed = [replace(h, confidence=h.confidence * (doubts or {}).get(h.ill, 1.0)) for h in hints]
    return Judgement(ranked(weighed))


def words_of(line: Line) -> str:
    """Like `9600 8N1`."""
    return f"{line.baud} {line.data_bits}{line.parity[0].upper()}{line.stop_bits}"


def _port(evidence: Evidence) -> dict[str, object]:
    return {"said": evidence.said, "holders": ", ".join(evidence.holders)}


def _dead(evidence: Evidence) -> list[Tally]:
    """Devices of which not one whole answer came."""
    return [t for t in evidence.tallies if not t.answers or set(t.codes) & _BEHIND]


def _silence(evidence: Evidence) -> Hints:
    dead = _dead(evidence)
    mute = tuple(t.device for t in dead if not t.garbled and not t.astray)
    if not mute:
        return
    everybody = len(dead) == len(evidence.tallies)
    devices = () if everybody and len(dead) > 1 else mute
    searched = {one.device for one in evidence.elsewhere} & set(mute)
    yield Cause(Ill.NO_ANSWER, 2.0, devices)
    yield Cause(Ill.REVERSED, 1.4 if everybody else 1.0, devices)
    yield Cause(Ill.LINE_SETTINGS, 0.7 if searched else 1.2, devices)
    if evidence.echoes and everybody:
        yield Cause(Ill.ECHO, 2.5)


def _unheard(evidence: Evidence) -> Hints:
    """Nobody on the wire can be asked, so that silence or garbage is all there is to go by."""
    if evidence.asked or not evidence.unheard:
        return
    garbled = bool(evidence.quiet.heard)
    yield Cause(Ill.NO_ANSWER, 0.5 if garbled else 2.0, evidence.unheard)
    yield Cause(Ill.REVERSED, 1.5 if garbled else 1.0, evidence.unheard)
    yield Cause(Ill.LINE_SETTINGS, 2.5 if garbled else 0.8, evidence.unheard)


def _echo(evidence: Evidence) -> Hints:
    if evidence.echo_missing:
        yield Cause(Ill.ECHO, 4.0, (), {"setting": "echo: false"})
    if evidence.echoes:
        yield Cause(Ill.ECHO, 1.5 if _dead(evidence) else 4.0, (), {"setting": "echo: true"})


def _polarity(evidence: Evidence) -> Hints:
    for tally in evidence.tallies:
        if tally.mirrored:
            yield Cause(Ill.REVERSED, 5.0, (tally.device,))
        elif tally.zeros and not tally.answers:
            yield Cause(Ill.REVERSED, 2.0, (tally.device,))
            yield Cause(Ill.BIAS, 1.0, (tally.device,))
            yield Cause(Ill.NO_ANSWER, 0.7, (tally.device,))


def _elsewhere(evidence: Evidence) -> Hints:
    for device, line in evidence.found().items():
        yield Cause(Ill.LINE_SETTINGS, 8.0, (device,), {"found": words_of(line)})


def _pause(evidence: Evidence) -> Hints:
    """A device that a pause helps was silent before; one that was garbled had luck."""
    rested = {tally.device for tally in tallies(evidence.paused) if tally.well}
    for tally in evidence.tallies:
        if tally.device in rested and tally.silent:
            only_silent = tally.silent + tally.answers == tally.asked
            weight = 0.8 if not only_silent else 3.0 if tally.answers else 6.0
            yield Cause(Ill.PAUSE, weight, (tally.device,))


def _garbled(evidence: Evidence) -> Hints:
    hurt = [t for t in evidence.tallies if t.garbled > t.zeros]
    if not hurt:
        return
    devices = tuple(t.device for t in hurt)
    rate = sum(t.garbled for t in hurt) / sum(t.asked for t in hurt)
    one = len(hurt) == 1
    alone = one and len(evidence.tallies) > 1
    yield Cause(Ill.DUPLICATE, (0.8 + 3.0 * rate) if alone else 1.0 if one else 0.5, devices)
    yield Cause(Ill.INTERFERENCE, 1.2 if one else 2.5, () if not one else devices)
    yield Cause(Ill.BIAS, 1.0)
    if not any(t.whole for t in hurt):
        yield Cause(Ill.LINE_SETTINGS, 0.6, devices)
        yield Cause(Ill.REVERSED, 0.3, devices)


def _fringe(evidence: Evidence) -> Hints:
    fringed = [t for t in evidence.tallies if t.fringed]
    if fringed:
        one = len(fringed) == 1 and len(evidence.tallies) > 1
        devices = (fringed[0].device,) if one else ()
        yield Cause(Ill.BIAS, 1.5 if one else 3.5, devices)
        yield Cause(Ill.INTERFERENCE, 1.0, devices)
        yield Cause(Ill.DUPLICATE, 1.5 if one else 0.3, devices)


def _twice(evidence: Evidence) -> Hints:
    for tally in evidence.tallies:
        if tally.twice:
            yield Cause(Ill.DUPLICATE, 5.0, (tally.device,))


def _late(evidence: Evidence) -> Hints:
    slow = [t for t in evidence.tallies if t.late]
    if slow:
        late = tuple(t.device for t in slow)
        share = sum(t.late for t in slow) / sum(t.asked for t in slow)
        yield Cause(Ill.LATE, 1.5 + 2.5 * min(1.0, 2 * share), late)
        yield Cause(Ill.FOREIGN, 0.4)
        yield Cause(Ill.INTERFERENCE, 0.3, late)


def _astray(evidence: Evidence) -> Hints:
    astray = tuple(t.device for t in evidence.tallies if t.astray)
    if astray:
        yield Cause(Ill.FOREIGN, 2.0)
        yield Cause(Ill.LATE, 1.2, astray)
        yield Cause(Ill.DUPLICATE, 0.5, astray)


def _now_and_then(evidence: Evidence) -> Hints:
    wavering = tuple(t.device for t in evidence.tallies if t.answers and t.silent)
    if wavering:
        yield Cause(Ill.INTERFERENCE, 1.4, wavering)
        yield Cause(Ill.NO_ANSWER, 0.9, wavering)
        yield Cause(Ill.LATE, 1.0, wavering)
        yield Cause(Ill.BIAS, 0.5)
        yield Cause(Ill.PAUSE, 0.4, wavering)


def _refused(evidence: Evidence) -> Hints:
    for tally in evidence.tallies:
        if tally.refused and not set(tally.codes) & _BEHIND:
            codes = ", ".join(map(str, tally.codes))
            yield Cause(Ill.REFUSED, 4.0, (tally.device,), {"codes": codes})
            yield Cause(Ill.DUPLICATE, 0.3, (tally.device,))


def _quiet(evidence: Evidence) -> Hints:
    quiet = evidence.quiet
    if quiet.strangers:
        yield Cause(Ill.FOREIGN, 6.0, (), {"heard": quiet.strangers[0]})
    elif quiet.heard or quiet.babble:
        yield Cause(Ill.INTERFERENCE, 1.5)
        yield Cause(Ill.FOREIGN, 1.2 if quiet.bursts > 1 else 0.8)
        yield Cause(Ill.BIAS, 1.2)
    if quiet.babble:
        yield Cause(Ill.REVERSED, 0.8)


def _holders(evidence: Evidence) -> Hints:
    if evidence.holders:
        yield Cause(Ill.PORT_HELD, 4.0, (), _port(evidence))


_RULES: tuple[Callable[[Evidence], Hints], ...] = (
    _silence, _unheard, _echo, _polarity, _elsewhere, _pause, _garbled, _fringe, _twice, _late,
    _astray, _now_and_then, _refused, _quiet, _holders,
)  # fmt: skip
