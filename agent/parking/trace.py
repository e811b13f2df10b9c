"""Recorded traces: `t_s, x_uT, y_uT, z_uT` and, where the truth is known, more columns."""

from collections.abc import Iterable, Iterator
from math import isfinite

from agent.contract import Misconfigured

COLUMNS = ("t_s", "x_uT", "y_uT", "z_uT")
Sample = tuple[float, float, float, float]


def samples(lines: Iterable[str]) -> Iterator[Sample]:
    """(t in s, x, y, z in uT) of each line of CSV after the header.

    Raises Misconfigured with the number of the line that is none.
    """
    numbered = enumerate(lines, 1)
    _, header = next(numbered, (1, ""))
    names = [name.strip() for name in header.split(",")]
    if missing := [name for name in COLUMNS if name not in names]:
        raise Misconfigured(
            "line 1: the trace has no column {names}",
            hint="the first line must name the columns t_s, x_uT, y_uT, z_uT",
            names=", ".join(missing),
        )
    places = [names.index(name) for name in COLUMNS]
    last = float("-inf")
    for number, line in numbered:
        if not line.strip():
            continue
        sample = _sample(number, line, places)
        if sample[0] <= last:
            raise Misconfigured(
                "line {number}: the time {time:g} s does not come after {last:g} s",
                hint="the samples of a trace must be in the order of time",
                number=number,
                time=sample[0],
                last=last,
            )
        last = sample[0]
        yield sample


def _sample(number: int, line: str, places: list[int]) -> Sample:
    cells = line.split(",")
    try:
        t, x, y, z = (float(cells[place]) for place in places)
    except (IndexError, ValueError):
        t = x = y = z = float("nan")
    if not isfinite(t + x + y + z):
        raise Misconfigured(
            "line {number}: not four numbers: {text}",
            hint="correct or delete that line; the columns are t_s, x_uT, y_uT, z_uT",
            number=number,
            text=line.strip()[:60],
        )
    return t, x, y, z
