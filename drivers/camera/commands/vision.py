"""`fieldgate vision`: plates, spaces, speed, snapshots, films. Each action has its own module."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from agent.contract import Tools
from drivers.camera.commands.extra import check_extra

MODULES = {
    "plates": "plates",
    "occupancy": "occupancy",
    "bench": "bench",
    "snapshot": "snapshot",
    "run": "film",
}


def vision(words: Sequence[str], tools: Tools) -> int:
    """The exit code. Raises GatewayError."""
    args = parser(tools).parse_args(words)
    args.store = args.store or tools.store(getattr(args, "config", None))
    check_extra()
    module = import_module(f"drivers.camera.commands.{MODULES[args.action]}")
    return int(module.run(args, tools))


def parser(tools: Tools) -> argparse.ArgumentParser:
    say = tools.say
    parser = argparse.ArgumentParser(
        prog="fieldgate vision",
        description=say("what the models see: in pictures, in films, through a camera"),
        epilog=say("example: fieldgate vision plates gate.jpg"),
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for add in (_plates, _occupancy, _bench, _snapshot, _run):
        add(actions, tools)
    return parser


def _action(actions: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=summary, epilog=example
    )
    return added


def _common(parser: argparse.ArgumentParser, tools: Tools) -> None:
    from pathlib import Path

    parser.add_argument("--json", action="store_true", help=tools.say("as JSON, one object a line"))
    parser.add_argument("--store", type=Path, help=tools.say("the folder of the store"))


def _plates(actions: Any, tools: Tools) -> None:

    say = tools.say
    add = _action(
        actions,
        "plates",
        say("number plates in pictures: text, colour, corners"),
        say("example: fieldgate vision plates --json gate.jpg"),
    )
    add.add_argument("files", nargs="+", metavar="FILE", help=say("pictures, folders"))
    add.add_argument("--crop", action="store_true", help=say("each picture is one cut-out plate"))
    add.add_argument(
        "--size", type=int, choices=(320, 416, 640), help=say("pixels that the detector sees")
    )
    add.add_argument(
        "--threshold", type=float, help=say("how sure the detector has to be, 0 to 1; else as its "
                                            "card says")
    )  # fmt: skip
    _common(add, tools)


def _occupancy(actions: Any, tools: Tools) -> None:
    from pathlib import Path

    say = tools.say
    add = _action(
        actions,
        "occupancy",
        say("which spaces are taken, in pictures of spaces or of whole lots"),
        say("example: fieldgate vision occupancy --spaces zones/lot-2.yaml --calibrate first-day/"),
    )
    add.add_argument("files", nargs="*", metavar="FILE", help=say("pictures, folders"))
    add.add_argument("--spaces", type=Path, metavar="ZONES", help=say("a camera's file of zones"))
    add.add_argument(
        "--calibrate",
        type=Path,
        metavar="FOLDER",
        help=say(
            "learn a camera's threshold from its first day: frames with --spaces, else cut-out "
            "spaces; a labels.csv (file, occupied, with --spaces also space) helps"
        ),
    )
    add.add_argument(
        "--sensors",
        type=Path,
        metavar="CSV",
        help=say("an export of readings: detectors in the same spaces say which are taken"),
    )
    add.add_argument(
        "--calibration", type=Path, metavar="FILE", help=say("a camera's calibration to judge by")
    )
    add.add_argument("--camera", help=say("whose calibration it is; else as the zones say"))
    add.add_argument("--out", type=Path, metavar="FILE", help=say("where --calibrate writes"))
    _common(add, tools)


def _bench(actions: Any, tools: Tools) -> None:
    say = tools.say
    add = _action(
        actions,
        "bench",
        say("how fast each model is on this device; chooses between 32 and 8 bits"),
        say("example: fieldgate vision bench"),
    )
    add.add_argument("--seconds", type=float, default=3.0, help=say("for each model"))
    add.add_argument("--dry", action="store_true", help=say("measure only, record nothing"))
    _common(add, tools)


def _snapshot(actions: Any, tools: Tools) -> None:
    from pathlib import Path

    say = tools.say
    add = _action(
        actions,
        "snapshot",
        say("what a camera sees now, with its zones and the plates that are found"),
        say("example: fieldgate vision snapshot gate-1 --out gate.jpg"),
    )
    add.add_argument("camera", help=say("its id"))
    add.add_argument("--out", type=Path, metavar="FILE", help=say("a .jpg; else CAMERA.jpg"))
    add.add_argument("--config", type=Path, help=say("the settings"))
    _common(add, tools)


def _run(actions: Any, tools: Tools) -> None:
    from pathlib import Path

    say = tools.say
    add = _action(
        actions,
        "run",
        say("what a camera's tasks would have said of a film"),
        say("example: fieldgate vision run gate.mp4 --zones zones/gate-1.yaml --tasks plates"),
    )
    add.add_argument("file", type=Path, metavar="FILE", help=say("a film, or a folder of pictures"))
    whose = add.add_mutually_exclusive_group()
    whose.add_argument("--camera", help=say("tasks, zones and settings of this camera"))
    whose.add_argument("--zones", type=Path, help=say("a file of zones"))
    add.add_argument(
        "--tasks", help=say("like plates,occupancy; else as the camera's settings say")
    )
    add.add_argument("--rate", type=float, help=say("looks a second"))
    add.add_argument("--pictures", type=Path, metavar="FOLDER", help=say("keep the pictures there"))
    add.add_argument("--config", type=Path, help=say("the settings"))
    _common(add, tools)
