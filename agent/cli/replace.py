"""`fieldgate replace DEVICE`: another sensor hangs there now; its points go on."""

import argparse
import json
from pathlib import Path

from agent.contract import Misconfigured
from agent.control.client import SOCKET, ask_once
from agent.i18n import say


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate replace",
        description=say(
            "tell the service that the hardware of a device was replaced, after the new one is "
            "connected: its points stay, its counters go on from the old totals, and the platform "
            "is told the new serial number"
        ),
        epilog=say("example: fieldgate replace meter-2 --serial 70012345 --total volume=812.5"),
    )
    parser.add_argument("device", help=say("its id"))
    parser.add_argument("--serial", default="", help=say("of the new one, from its label"))
    parser.add_argument(
        "--total",
        action="append",
        default=[],
        metavar="POINT=VALUE",
        help=say("what the old one showed last; default: what the service read last"),
    )
    parser.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    parser.add_argument("--socket", type=Path, default=SOCKET, help=say("of the service"))
    return parser


def run(args: argparse.Namespace) -> int:
    totals = dict(map(_total, args.total))
    request = {"do": "replace", "device": args.device, "serial": args.serial, "totals": totals}
    answer = ask_once(args.socket, request)
    if args.json:
        print(json.dumps(answer, ensure_ascii=False))
        return 0
    print(say("{device}: replaced, serial number {serial}", device=args.device,
              serial=args.serial or "-"))  # fmt: skip
    for point, total in answer["totals"].items():
        print(say("  {point} goes on from {total:g}", point=point, total=total))
    return 0


def _total(text: str) -> tuple[str, float]:
    point, _, value = text.partition("=")
    try:
        return point, float(value)
    except ValueError as error:
        raise Misconfigured(
            "'{text}' is no total of a counter", hint="write it like volume=812.5", text=text
        ) from error
