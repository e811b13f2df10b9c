"""`fieldgate maintenance DEVICE 30m`: somebody works on it; no alarms, its data is marked."""

import argparse
import json
import time
from pathlib import Path

from agent.control.client import SOCKET, ask_once
from agent.i18n import say

DEFAULT = "30m"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate maintenance",
        description=say(
            "somebody works on a device: until the time is up its data is marked `maintenance` "
            "and it raises no alarm; ends by itself"
        ),
        epilog=say("example: fieldgate maintenance soil-1 30m, and when done: … soil-1 off"),
    )
    parser.add_argument("device", help=say("its id"))
    parser.add_argument("time", nargs="?", default=DEFAULT, help=say("like 30m or 2h, or off"))
    parser.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    parser.add_argument("--socket", type=Path, default=SOCKET, help=say("of the service"))
    return parser


def run(args: argparse.Namespace) -> int:
    request = {"do": "maintain", "device": args.device, "seconds": _seconds(args.time)}
    answer = ask_once(args.socket, request)
    if args.json:
        print(json.dumps(answer, ensure_ascii=False))
    elif answer["until"]:
        until = time.strftime("%H:%M", time.localtime(answer["until"]))
        print(say("{device}: maintenance until {until}", device=args.device, until=until))
        print(say("when done: {command}", command=f"fieldgate maintenance {args.device} off"))
    else:
        print(say("{device}: no maintenance; alarms are on", device=args.device))
    return 0


def _seconds(text: str) -> float:
    if text == "off":
        return 0.0
    from pydantic import TypeAdapter, ValidationError

    from agent.contract import Misconfigured
    from agent.contract.settings import Seconds

    try:
        return TypeAdapter(Seconds).validate_python(text)
    except ValidationError as error:
        raise Misconfigured(
            "'{text}' is no time", hint="write it like 30m or 2h, or off", text=text
        ) from error
