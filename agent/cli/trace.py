"""`fieldgate trace DEVICE`: what becomes of each of its readings, stage by stage, live."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.control.client import SOCKET, ask
from agent.i18n import say


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate trace",
        description=say("a line per stage for each reading of a device, live; Ctrl-C ends it"),
        epilog=say("example: fieldgate trace soil-1"),
    )
    parser.add_argument("device", help=say("its id"))
    parser.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    parser.add_argument("--socket", type=Path, default=SOCKET, help=say("of the service"))
    return parser


def run(args: argparse.Namespace) -> int:
    from agent.contract import LinkLost

    request = {"do": "trace", "device": args.device}
    for step in ask(args.socket, request, timeout=None):
        print(json.dumps(step, ensure_ascii=False) if args.json else line(step), flush=True)
    raise LinkLost("the service stopped", hint="systemctl status fieldgate")


def line(step: Mapping[str, Any]) -> str:
    """One step of one reading, in columns."""
    from agent.cli.columns import pad
    from agent.cli.readings import moment, quality, value

    cells = [
        moment(step["t"]),
        pad(str(step["stage"]), 8),
        pad(str(step["point"]), 20),
        pad(value(step), 18),
        quality(step),
    ]
    if "seq" in step:
        cells.append(f"#{step['seq']}")
    return " ".join(cells).rstrip()
