"""`fieldgate parking`: the spaces of the running service, and recorded magnetometer traces."""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.control.client import SOCKET, ask_once
from agent.i18n import say

if TYPE_CHECKING:
    from agent.parking import Change

CALIBRATION = "calibrated"  # the first settled field: where one starts from, and no change


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate parking",
        description=say("parking spaces: what is known of each, and how it is decided"),
        epilog=say("example: fieldgate parking status"),
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser(
        "status",
        help=say("every space of the running service, with its detector"),
        description=say("every space of the running service, with its detector"),
        epilog=say("example: fieldgate parking status --json"),
    )
    status.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    status.add_argument("--socket", type=Path, default=SOCKET, help=say("of the service"))
    calibrate = actions.add_parser(
        "calibrate",
        help=say("a space with a raw magnetometer is empty now: learn its field anew"),
        description=say("a space with a raw magnetometer is empty now: learn its field anew"),
        epilog=say("example: fieldgate parking calibrate bay-7"),
    )
    calibrate.add_argument("space", help=say("its id"))
    calibrate.add_argument("--socket", type=Path, default=SOCKET, help=say("of the service"))
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
    return {"status": _status, "calibrate": _calibrate, "replay": _replay}[args.action](args)


def _status(args: argparse.Namespace) -> int:
    spaces = ask_once(args.socket, {"do": "spaces"})["spaces"]
    if args.json:
        for space in spaces:
            print(json.dumps(space, ensure_ascii=False))
        return 0
    import shutil
    import time

    from agent.cli.columns import table

    columns = shutil.get_terminal_size((80, 24)).columns
    print("\n".join(table(_rows(spaces, time.time()), max(columns, 40))) or say("no spaces"))
    return 0


def _calibrate(args: argparse.Namespace) -> int:
    ask_once(args.socket, {"do": "calibrate", "space": args.space})
    print(say("{space}: leave it empty for some seconds; then: {command}", space=args.space,
              command="fieldgate parking status"))  # fmt: skip
    return 0


def _rows(spaces: Sequence[dict[str, Any]], now: float) -> list[list[str]]:
    """A line a space, below a head; nothing where there are none."""
    from agent.cli.amounts import duration

    head = [
        say("SPACE"), say("state"), say("since"), say("why"), say("detector"), say("battery"),
        "RSSI",
    ]  # fmt: skip
    words = state_words()
    rows = [
        [
            space["space"],
            words[space["parking_state"]],
            duration(max(now - space["since"], 0)),
            space["reason"] or space["branch"],
            "/".join(filter(None, (space["device"], space["detector"]))),
            *(_number(space[name]) for name in ("battery", "rssi")),
        ]
        for space in spaces
    ]
    return [head, *rows] if rows else []


def _number(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value or "-")


def _replay(args: argparse.Namespace) -> int:
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

    words = state_words()
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


def state_words() -> dict[str, str]:
    return {
        "occupied": say("occupied"),
        "vacant": say("vacant"),
        "interference": say("interference"),
        "initialising": say("initialising"),
        "fault": say("fault"),
        "unknown": say("unknown"),
    }
