"""Labels from detectors in the ground: what they said of a space when a picture was taken."""

import csv
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from agent.contract import Misconfigured

STALE = 1200.0  # s that a state holds: spaces tell theirs every 900 s
CLEAR = 60.0  # s from a change within which a vehicle may still be coming or going

Name = tuple[str, str]  # file name, space
States = Mapping[str, Sequence[tuple[float, bool | None]]]  # of each space, in order of time
WORDS = {"true": True, "1": True, "false": False, "0": False}


def sensed(file: Path, pictures: Iterable[Path], spaces: Sequence[str]) -> dict[Name, bool]:
    """By the times of the pictures' files. Raises Misconfigured when the export has none of these
    spaces."""
    states = read_states(file, spaces)
    found: dict[Name, bool] = {}
    for picture in pictures:
        at = picture.stat().st_mtime
        for space in spaces:
            taken = state_at(states.get(space, ()), at)
            if taken is not None:
                found[picture.name, space] = taken
    return found


def read_states(file: Path, spaces: Sequence[str]) -> States:
    """From `fieldgate buffer export --format csv`: readings `occupied` of the spaces themselves.
    Raises Misconfigured."""
    states: dict[str, list[tuple[float, bool | None]]] = {}
    try:
        with file.open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                if row["point"] == "occupied" and row["device"] in spaces:
                    states.setdefault(row["device"], []).append(_state(row))
    except (OSError, KeyError, ValueError) as error:
        raise Misconfigured(
            "{file} is no export of readings ({why})",
            hint="export them: fieldgate buffer export --format csv > sensors.csv",
            file=file,
            why=error,
        ) from error
    if not states:
        raise Misconfigured(
            "{file} says nothing of these spaces",
            hint="in the configuration, call the spaces below `parking:` as in the zones",
            file=file,
        )
    return {space: sorted(told, key=lambda one: one[0]) for space, told in states.items()}


def _state(row: Mapping[str, str]) -> tuple[float, bool | None]:
    """Unknown where the value is in doubt, or its time."""
    at = datetime.fromisoformat(row["time"]).timestamp()
    sure = row["quality"] == "good" and row["estimated"].lower() in {"false", "0", ""}
    return at, WORDS.get(row["value"].lower()) if sure else None


def state_at(told: Sequence[tuple[float, bool | None]], at: float) -> bool | None:
    """None where it is not known, too old, or changes about then."""
    first, now, last = (
        bisect_right(told, at + off, key=lambda one: one[0]) for off in (-CLEAR, 0.0, CLEAR)
    )
    if not now or at - told[now - 1][0] > STALE:
        return None
    taken = told[now - 1][1]
    about = told[max(0, first - 1) : last]
    return taken if all(state is taken for _, state in about) else None
