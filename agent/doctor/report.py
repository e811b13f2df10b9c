"""What the doctor found, as lines for a terminal and as JSON."""

from collections.abc import Iterator
from typing import Any

from agent.doctor.causes import Judgement
from agent.doctor.evidence import Evidence, Tally
from agent.doctor.words import who, words
from agent.i18n import say


def lines(evidence: Evidence, judgement: Judgement) -> Iterator[str]:
    """In the language of this process."""
    yield from _devices(evidence)
    yield from _quiet(evidence)
    yield ""
    if judgement.well:
        yield say("this wire is well")
        return
    yield say("what may be the matter, the likeliest first; nothing else is excluded:")
    for number, cause in enumerate(judgement.causes, 1):
        told = words(cause, evidence)
        yield ""
        yield f" {number}. {told.title}  ({cause.confidence:.0%})"
        yield "    " + say("next: {hint}", hint=told.step)


def _devices(evidence: Evidence) -> Iterator[str]:
    tallies = evidence.tallies
    width = max((len(t.device) for t in tallies), default=0)
    for tally in tallies:
        good = say("{whole} of {asked} answers good", whole=tally.whole, asked=tally.asked)
        yield f"  {tally.device:<{width}}  " + ", ".join([good, *_remarks(tally)])
    for device in evidence.unheard:
        yield f"  {device:<{width}}  " + say(
            "speaks by itself; nothing of it was heard in {seconds:g} s",
            seconds=evidence.quiet.seconds,
        )
    for device in evidence.unknown:
        yield f"  {device:<{width}}  " + say("cannot be examined: it gives no answers")


def _remarks(tally: Tally) -> Iterator[str]:
    counted = (
        (tally.silent, say("{count} times silent", count=tally.silent)),
        (tally.garbled, say("{count} times garbled", count=tally.garbled)),
        (tally.refused, say("{count} times refused", count=tally.refused)),
        (tally.late, say("{count} times late", count=tally.late)),
        (tally.astray, say("{count} answers of somebody else", count=tally.astray)),
        (tally.fringed, say("{count} times with noise around it", count=tally.fringed)),
        (tally.twice, say("{count} times two answers", count=tally.twice)),
    )
    return (sentence for count, sentence in counted if count)


def _quiet(evidence: Evidence) -> Iterator[str]:
    quiet = evidence.quiet
    if evidence.holders:
        yield "  " + say("also open in {holders}", holders=", ".join(evidence.holders))
    if quiet.strangers:
        yield "  " + say("while nothing was asked: {heard}", heard=quiet.strangers[0])
    elif quiet.heard:
        yield "  " + say(
            "while nothing was asked: {count} bytes that are no frame", count=len(quiet.heard)
        )


def as_json(evidence: Evidence, judgement: Judgement) -> dict[str, Any]:
    """The words are in the language of this process: English for a program."""
    return {
        "wire": evidence.wire,
        "well": judgement.well,
        "shared": evidence.shared,
        "causes": [
            {
                "cause": cause.ill.value,
                "confidence": cause.confidence,
                "where": who(cause),
                "devices": list(cause.devices),
                "what": words(cause, evidence).title,
                "next": words(cause, evidence).step,
            }
            for cause in judgement.causes
        ],
        "devices": [_counts(tally) for tally in evidence.tallies],
        "quiet": {
            "seconds": evidence.quiet.seconds,
            "bytes": len(evidence.quiet.heard),
            "frames": list(evidence.quiet.strangers[:10]),
        },
        "elsewhere": {
            device: f"{line.baud} {line.parity}" for device, line in evidence.found().items()
        },
        "tried": len({one.line for one in evidence.elsewhere}),
    }


def _counts(tally: Tally) -> dict[str, Any]:
    return {
        "device": tally.device,
        "asked": tally.asked,
        "whole": tally.whole,
        "silent": tally.silent,
        "garbled": tally.garbled,
        "refused": tally.refused,
        "late": tally.late,
        "astray": tally.astray,
        "noise_around": tally.fringed,
        "two_answers": tally.twice,
        "codes": list(tally.codes),
    }
