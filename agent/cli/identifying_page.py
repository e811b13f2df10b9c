"""What `fieldgate identify` shows: as a page for a terminal, and as data. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any

from agent.cli import readings
from agent.cli.columns import pad, table, width, wrap
from agent.cli.identifying import Change, Subject
from agent.i18n import say

KEYS = 9  # changes that a key can choose
BAR = 10  # blocks of the strongest change
WIDE = 72  # columns; narrower terminals show what is needed only
_BLOCK = "█"


@dataclass(frozen=True, slots=True)
class Names:
    """What people call a device, and which space a detector watches."""

    devices: Mapping[str, str] = field(default_factory=dict)
    spaces: Mapping[Subject, str] = field(default_factory=dict)

    def of(self, subject: Subject) -> str:
        words = [self.devices.get(subject.device, "")]
        if space := self.spaces.get(subject):
            words.append(say("space {space}", space=space))
        return " · ".join(filter(None, words))


def page(
    changes: Sequence[Change], names: Names, watched: tuple[int, int], t: float, limit: int
) -> list[str]:
    """`watched`: how many devices and points. Lines of at most `limit` columns."""
    devices, points = watched
    head = say("{devices} devices, {points} points are watched", devices=devices, points=points)
    invitation = say(
        "touch a sensor, breathe on it, unplug it, or drive over it: what changed most is first"
    )
    lines = [*wrap(head, limit), *wrap(invitation, limit), ""]
    if not changes:
        return [*lines, say("nothing has changed")]
    titles = ["", say("DEVICE"), say("called"), say("point"), say("was"), say("is"), say("change")]
    rows = [_row(at, change, names, t) for at, change in enumerate(changes[:KEYS], 1)]
    cells = [titles, *rows]
    if limit < WIDE:
        cells = [[row[at] for at in (0, 1, 3, 5)] for row in cells]
    return [*lines, *table(cells, limit)]


def keys(limit: int) -> list[str]:
    return wrap(say("keys: 1 to 9 choose one and name it, space begins anew, q ends"), limit)


def data(changes: Sequence[Change], names: Names, t: float) -> list[dict[str, Any]]:
    return [
        {
            "rank": rank,
            "device": change.subject.device,
            "detector": change.subject.detector or None,
            "space": names.spaces.get(change.subject),
            "point": change.point,
            "before": change.before,
            "now": change.now,
            "unit": change.unit,
            "score": round(change.score, 1),
            "age": round(max(t - change.t, 0.0), 1),
        }
        for rank, change in enumerate(changes, 1)
    ]


def described(subject: Subject) -> str:
    return f"{subject.device} / {subject.detector}" if subject.detector else subject.device


def sentence(change: Change, names: Names) -> str:
    """One change, where there is no terminal to draw a page on."""
    name = names.of(change.subject)
    who = f"{described(change.subject)} ({name})" if name else described(change.subject)
    was, now = _value(change.before, change.unit), _value(change.now, change.unit)
    return f"{readings.moment(change.t)} {who} {change.point}: {was} -> {now}"


def _row(at: int, change: Change, names: Names, t: float) -> list[str]:
    return [
        str(at),
        described(change.subject),
        names.of(change.subject),
        change.point,
        _value(change.before, change.unit),
        _value(change.now, change.unit),
        f"{_bar(change.weight(t))} {say('{seconds:.0f} s ago', seconds=max(t - change.t, 0.0))}",
    ]


def _value(value: Any, unit: str) -> str:
    return readings.value({"value": value, "unit": unit})


def _bar(weight: float) -> str:
    """A block more for each doubling."""
    blocks = min(BAR, max(1, round(log2(max(weight, 1.0)))))
    bar = _BLOCK * blocks
    return pad(bar, max(BAR, width(bar)))
