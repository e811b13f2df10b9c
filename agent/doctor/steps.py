"""What a step that was tried says about its cause. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from agent.doctor.causes import Cause, Ill
from agent.doctor.evidence import Evidence, Tally

NO_USE, SKIPPED = 0.2, 0.6  # what a cause is worth when its step changed nothing, or was not done


class Effect(StrEnum):
    HEALED = "healed"
    BETTER = "better"
    NONE = "none"


def effect(before: Evidence, after: Evidence, cause: Cause) -> Effect:
    """On the devices that the cause would explain."""
    if after.well:
        return Effect.HEALED
    was, now = _badness(before, cause), _badness(after, cause)
    return Effect.BETTER if now <= was / 2 and now < was else Effect.NONE


def doubted(doubts: Mapping[Ill, float], ill: Ill, factor: float) -> dict[Ill, float]:
    return {**doubts, ill: doubts.get(ill, 1.0) * factor}


def _badness(evidence: Evidence, cause: Cause) -> float:
    """0…1: how far from well."""
    if evidence.trouble:
        return 1.0
    concerned = [t for t in evidence.tallies if cause.whole_wire or t.device in cause.devices]
    shares = [_share(tally) for tally in concerned]
    if cause.whole_wire:
        shares.append(float(bool(evidence.quiet.heard) or evidence.quiet.babble))
        shares.append(float(evidence.echoes or evidence.echo_missing))
    return sum(shares) / len(shares) if shares else 0.0


def _share(tally: Tally) -> float:
    bad = tally.asked - tally.whole + max(tally.late, tally.fringed, tally.twice)
    return min(1.0, bad / tally.asked) if tally.asked else 0.0
