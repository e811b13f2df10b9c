"""`fieldgate status`: the board of the running service."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.control.client import SOCKET, ask_once
from agent.i18n import say

if TYPE_CHECKING:
    from agent.cli.board import Look

EVERY = 2.0  # s between two looks with --watch
CLEAR = "\x1b[H\x1b[J"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate status",
        description=say(
            "the board of the running service: what is wrong, devices, wires, streams, uplinks"
        ),
        epilog=say("example: fieldgate status --watch"),
    )
    parser.add_argument("--watch", action="store_true", help=say("look again every 2 s"))
    parser.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    parser.add_argument("--check", action="store_true", help=say("exit code 1 unless all is well"))
    parser.add_argument("--socket", type=Path, default=SOCKET, help=say("of the service"))
    return parser


def run(args: argparse.Namespace) -> int:
    from agent.cli.ailments import ailments

    look = _look(args.socket)
    _show(look, None, as_json=args.json)
    while args.watch:
        time.sleep(EVERY)
        before, look = look, _look(args.socket)
        _show(look, before, as_json=args.json)
    return int(args.check and bool(ailments(look.board)))


def _look(socket: Path) -> "Look":
    from agent.cli.board import Look

    return Look(ask_once(socket, {"do": "status"}), time.time())


def _show(look: "Look", before: "Look | None", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(look.board, ensure_ascii=False), flush=True)
        return
    from agent.cli.board import page

    columns = shutil.get_terminal_size((80, 24)).columns
    if before is not None and sys.stdout.isatty():
        print(CLEAR, end="")
    print("\n".join(page(look, before, max(columns, 40))), flush=True)
