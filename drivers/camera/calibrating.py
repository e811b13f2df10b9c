"""What a camera has learnt of its own thresholds, kept by the parent across restarts. Pure.

The process tells its looks at most once an hour; after a day of them the thresholds are proposed,
used and remembered, and again after each further day. All of it belongs to one model and to what
the camera is aimed at: another model, another source or other zones begin anew.
"""

import json
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from agent.contract import Value
from drivers.camera.site import Site
from drivers.camera.tasks.looks import EVERY, USUAL, Learnt, Looks, learn
from drivers.camera.vision.card import Card, read_card

MEMORY = "calibration"  # the key in a camera's memory
MOVED = 0.05  # less is no news


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two looks that count, between two tellings, and of looks that make a day."""

    every: float = EVERY
    tell: float = 3600.0
    day: float = 86400.0

    @property
    def rounds(self) -> int:
        """Of a day."""
        return max(1, round(self.day / self.every))


def belongs(card: Card, aim: str) -> str:
    """What a calibration is tied to. `aim`: as `Site.aim`."""
    whole = f"{card.id}/{card.version}/{card.sha256}\n{aim}"
    return sha256(whole.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Change:
    """The camera's threshold before, and all of them now."""

    before: float
    all: Mapping[str, float]
    looks: int

    def told(self) -> dict[str, Value | None]:
        """As an event says it; `spaces`: how many have a threshold of their own."""
        return {
            "threshold": self.all[""],
            "before": self.before,
            "spaces": len(self.all) - 1,
            "looks": self.looks,
            "basis": "looks",
        }


@dataclass(slots=True)
class Calibration:
    """`memory` is the camera's, `of` what `belongs` says, `spaces` in the order of the zones."""

    memory: MutableMapping[str, str]
    of: str
    spaces: Sequence[str]
    pace: Pace = field(default_factory=Pace)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    looks: str = ""
    _done: int = 0  # rounds at the last proposal

    def __post_init__(self) -> None:
        """Nothing is known where the memory is damaged, or of another model or other zones."""
        try:
            known = json.loads(self.memory[MEMORY])
            if known["of"] != self.of:
                return
            looks = Looks.from_text(known["looks"], self.spaces)
            thresholds = {str(k): float(v) for k, v in known["thresholds"].items()}
            if not all(0 < value < 1 for value in thresholds.values()):
                return
            self._done, self.thresholds = int(known["done"]), thresholds
        except (LookupError, ValueError, TypeError, AttributeError):
            return
        self.looks = looks.to_text()

    def setup(self) -> dict[str, Any]:
        """The part of the process's instructions that is known by now."""
        learn = {"looks": self.looks, "every": self.pace.every, "tell": self.pace.tell}
        return {"thresholds": dict(self.thresholds), "learn": learn}

    def forget(self) -> None:
        self.thresholds, self.looks, self._done = {}, "", 0

    def hear(self, text: str) -> Change | None:
        """The looks as the process has them now; a change of thresholds, when one follows.
        Raises ValueError when it is nothing of the kind."""
        looks = Looks.from_text(text, self.spaces)
        self.looks, change = text, None
        if looks.rounds - self._done >= self.pace.rounds:
            self._done = looks.rounds
            change = self._taken(learn(looks))
        self._remember()
        return change

    def _taken(self, learnt: Learnt | None) -> Change | None:
        if learnt is None or not _differ(self.thresholds, learnt.thresholds):
            return None
        before, self.thresholds = self.thresholds.get("", USUAL), learnt.thresholds
        return Change(before, learnt.thresholds, learnt.looks)

    def _remember(self) -> None:
        about: dict[str, Any] = {
            "of": self.of,
            "done": self._done,
            "thresholds": dict(self.thresholds),
            "looks": self.looks,
        }
        self.memory[MEMORY] = json.dumps(about)


def _differ(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    if set(one) != set(other):
        return True
    return any(abs(one[space] - other[space]) >= MOVED for space in one)


def calibration(site: Site, memory: MutableMapping[str, str], pace: Pace) -> Calibration | None:
    """None where there is nothing to learn, or a person has said what holds. Raises Misconfigured
    when the model has no card."""
    by_hand = bool(site.by_hand.thresholds or site.by_hand.lean)
    if not site.settings.calibrate or by_hand or site.zones is None or not site.zones.spaces:
        return None
    if "occupancy" not in site.settings.tasks:
        return None
    card = read_card(site.models["occupancy"] / "card.yaml")
    spaces = [space.id for space in site.zones.spaces]
    return Calibration(memory, belongs(card, site.aim), spaces, pace)


def forget(memory: MutableMapping[str, str], known: Calibration | None) -> None:
    """The camera looks elsewhere, and that is meant; `known`: of a camera that is open."""
    memory.pop(MEMORY, None)
    if known is not None:
        known.forget()
