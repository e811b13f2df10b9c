"""The causes and the steps that tell them apart, for somebody who stands at the wire."""

from collections.abc import Callable
from dataclasses import dataclass

from agent.doctor.causes import Cause, Ill
from agent.doctor.evidence import Evidence
from agent.doctor.judge import words_of
from agent.i18n import say


@dataclass(frozen=True, slots=True)
class Words:
    """`title`: what may be the matter; `step`: what to do next, in one breath."""

    title: str
    step: str


@dataclass(frozen=True, slots=True)
class _Found:
    cause: Cause
    evidence: Evidence

    @property
    def who(self) -> str:
        return who(self.cause)

    def value(self, name: str) -> str:
        return str((self.cause.values or {}).get(name, ""))


def words(cause: Cause, evidence: Evidence) -> Words:
    """In the language of this process."""
    return _WORDS[cause.ill](_Found(cause, evidence))


def who(cause: Cause) -> str:
    return ", ".join(cause.devices) if cause.devices else say("the whole wire")


def _no_answer(it: _Found) -> Words:
    if it.cause.whole_wire:
        return Words(
            say("the cable is cut near the gateway, or all devices are without power"),
            say(
                "measure the supply voltage at the first device; then look whether its two wires "
                "sit firmly in the terminals, there and at the gateway"
            ),
        )
    return Words(
        say("{who}: no power, a broken wire, or another id", who=it.who),
        say(
            "look whether {who} has power (its lamp); pull its two wires gently; then compare its "
            "id with the settings",
            who=it.who,
        ),
    )


def _reversed(it: _Found) -> Words:
    if it.cause.whole_wire:
        return Words(
            say("A and B are swapped at the gateway"),
            say("swap A and B at the gateway; this harms nothing"),
        )
    return Words(
        say("{who}: A and B are swapped", who=it.who),
        say("swap A and B at {who}; this harms nothing", who=it.who),
    )


def _line_settings(it: _Found) -> Words:
    usual = words_of(it.evidence.line)
    if found := it.value("found"):
        title = say(
            "{who}: it answers at {found}, not at the usual {usual}",
            who=it.who,
            found=found,
            usual=usual,
        )
        if any(tally.answers for tally in it.evidence.tallies):
            return Words(
                title, say("set {who} to {usual}, like the others", who=it.who, usual=usual)
            )
        return Words(title, say("write {found} into the settings of the wire", found=found))
    if it.evidence.kind == "converter":
        return Words(
            say("{who}: the converter speaks at another speed or parity", who=it.who),
            say("open the converter's own page and compare speed and parity with the devices'"),
        )
    title = say("{who}: another speed or parity than {usual}", who=it.who, usual=usual)
    if it.evidence.elsewhere:
        return Words(
            title,
            say(
                "the common ones were tried and gave no answer; compare with the device's papers "
                "or its switches: {usual}",
                usual=usual,
            ),
        )
    return Words(
        title,
        say(
            "compare speed and parity in the device's papers or on its switches with {usual}; to "
            "try the common ones: fieldgate doctor bus {wire} --speeds",
            usual=usual,
            wire=it.evidence.wire,
        ),
    )


def _echo(it: _Found) -> Words:
    if it.value("setting") == "echo: false":
        return Words(
            say("the settings say that the adapter hears itself, and it does not"),
            say("take `echo: true` out of the settings of the wire"),
        )
    return Words(
        say("the adapter hears itself"),
        say("write `echo: true` into the settings of the wire, or switch the adapter's echo off"),
    )


def _interference(it: _Found) -> Words:
    return Words(
        say("{who}: noise on the line, or a loose contact", who=it.who),
        say(
            "switch off pumps, motors and inverters nearby; then tighten every terminal of the "
            "wire and see that the shield is earthed at one end"
        ),
    )


def _bias(_it: _Found) -> Words:
    return Words(
        say("no bias or no end resistors on the line"),
        say(
            "see that exactly the two ends of the cable have 120 ohms between A and B; if they "
            "have, switch on the bias (pull-up, pull-down) of the adapter"
        ),
    )


def _duplicate(it: _Found) -> Words:
    return Words(
        say("{who}: two devices have this id", who=it.who),
        say("unplug {who}; if something still answers to its id, that is the other one",
            who=it.who),
    )  # fmt: skip


def _late(it: _Found) -> Words:
    return Words(
        say("{who}: the answer comes later than the time it is given", who=it.who),
        say("write a longer `timeout:` at {who} into the settings, like 2s", who=it.who),
    )


def _pause(it: _Found) -> Words:
    return Words(
        say("{who}: needs a longer pause before it hears again", who=it.who),
        say("write `guard: 500ms` at {who} into the settings, then try shorter ones", who=it.who),
    )  # fmt: skip


def _foreign(_it: _Found) -> Words:
    return Words(
        say("somebody else asks questions on this wire"),
        say(
            "look for another controller, screen or gateway on the cable and unplug it: one wire "
            "has one master"
        ),
    )


def _refused(it: _Found) -> Words:
    return Words(
        say("{who}: answers, but refuses the question (exception {codes})", who=it.who,
            codes=it.value("codes")),
        say("compare the label on {who} with `profile:` in the settings; another model may have "
            "this id", who=it.who),
    )  # fmt: skip


def _port_missing(it: _Found) -> Words:
    return Words(
        say("the adapter is not there: {said}", said=it.value("said")),
        say("plug the adapter in, or another one; the names that exist: ls /dev/serial/by-id"),
    )


def _port_held(it: _Found) -> Words:
    holders = it.value("holders") or say("another program")
    return Words(
        say("the port is in use by {holders}", holders=holders),
        say("stop {holders}; to find it: sudo fuser -v PORT", holders=holders),
    )


def _port_denied(it: _Found) -> Words:
    return Words(
        say("this user may not open the port: {said}", said=it.value("said")),
        say("use sudo, or: sudo usermod -aG dialout USER, then log in again"),
    )


def _peer(it: _Found) -> Words:
    return Words(
        say("the converter or device is not reached: {said}", said=it.value("said")),
        say("look whether it has power and its network lamp is on; then compare its address with "
            "`connect:`"),
    )  # fmt: skip


_WORDS: dict[Ill, Callable[[_Found], Words]] = {
    Ill.NO_ANSWER: _no_answer,
    Ill.REVERSED: _reversed,
    Ill.LINE_SETTINGS: _line_settings,
    Ill.ECHO: _echo,
    Ill.INTERFERENCE: _interference,
    Ill.BIAS: _bias,
    Ill.DUPLICATE: _duplicate,
    Ill.LATE: _late,
    Ill.PAUSE: _pause,
    Ill.FOREIGN: _foreign,
    Ill.REFUSED: _refused,
    Ill.PORT_MISSING: _port_missing,
    Ill.PORT_HELD: _port_held,
    Ill.PORT_DENIED: _port_denied,
    Ill.PEER: _peer,
}
