"""`fieldgate parking replay TRACE`: what the detector makes of a recorded magnetometer trace."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.i18n import say

if TYPE_CHECKING:
    from agent.parking import Change

CALIBRATION = "calibrated"  # the first settled field: where one starts from, and no change


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate parking",
        description=say("parking bays with magnetometers, without touching any device"),
        epilog=say("example: fieldgate parking replay bay-7.csv.gz"),
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    replay = actions.add_parser(
        "replay",
        help=say("run the detector over a recorded trace; a line per change"),
        description=say("run the detector over a recorded trace; a line per change"),
        epilog=say("example: fieldgate parking replay bay-7.csv.gz"),
    )
    replay.add_argument(
        "trace", type=Path, help=say("CSV, also gzipped, with the columns t_s, x_uT, y_uT, z_uT")
    )
    replay.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    return parser


def run(args: argparse.Namespace) -> int:
    for change in changes(args.trace):
        print(as_json(change) if args.json else line(change), flush=True)
    return 0


def changes(trace: Path) -> Iterator["Change"]:
    """Every change after the first settled field. Raises Misconfigured, LinkLost."""
    from agent.parking import Detector
    from agent.parking.trace import samples

    detector = Detector()
    with _opened(trace) as lines:
        for sample in samples(lines):
            change = detector.feed(*sample)
            if change and change.branch != CALIBRATION:
                yield change


@contextmanager
def _opened(trace: Path) -> Iterator[Iterator[str]]:
    """Its lines."""
    import gzip
    import zlib

    from agent.contract import Misconfigured

    try:
        opener = gzip.open if trace.suffix == ".gz" else open
        with opener(trace, "rt", encoding="utf-8-sig") as lines:
            yield iter(lines)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise Misconfigured(
            "{file} cannot be read: {why}",
            hint="a trace is CSV text, gzipped where its name ends in .gz",
            file=trace,
            why=error,
        ) from error


def as_json(change: "Change") -> str:
    """`occupied` is null where it is not known."""
    return json.dumps(
        {"t_s": round(change.t, 3), "occupied": change.occupied, "branch": change.branch}
    )


def line(change: "Change") -> str:
    """Time, state, branch, and the two figures that it was decided by."""
    from agent.cli.columns import pad

    words = {
        "occupied": say("occupied"),
        "vacant": say("vacant"),
        "interference": say("interference"),
        "unknown": say("unknown"),
    }
    hours, rest = divmod(change.t, 3600)
    minutes, seconds = divmod(rest, 60)
    return " ".join(
        [
            f"{hours:.0f}:{minutes:02.0f}:{seconds:04.1f}",
            pad(words[change.occupancy], 12),
            pad(change.branch, 16),
            say(
                "shift {shift:.1f} µT, wave {swing:.1f} µT", shift=change.shift, swing=change.swing
            ),
        ]
    )
