"""`fieldgate check`: is the configuration sound? Touches no device."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent import paths
from agent.i18n import say, use

if TYPE_CHECKING:
    from agent.config.load import Configuration
    from agent.config.mistake import Mistake
    from agent.contract import Device, DriverSpec, PolledDriver, StreamingDriver

FILE = paths.ETC / "gateway.yaml"
EX_CONFIG = 78


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate check",
        description=say(
            "validate the configuration, the files that it includes and the profiles of its "
            "devices; every mistake is told with its file and line. Touches no device."
        ),
        epilog=say("example: fieldgate check gateway.yaml"),
    )
    parser.add_argument("file", nargs="?", type=Path, default=FILE, help=say("the settings"))
    parser.add_argument("--json", action="store_true", help=say("print data instead of words"))
    parser.add_argument(
        "--schema", action="store_true", help=say("print the JSON Schema of the file, for editors")
    )
    parser.add_argument(
        "--drivers", action="store_true", help=say("list the installed drivers and their commands")
    )
    return parser


def run(args: argparse.Namespace) -> int:
    if args.schema:
        return _schema()
    if args.drivers:
        return _drivers(json=args.json)
    if args.json:
        use("en")
    return _check(args.file, json=args.json)


def _check(file: Path, *, json: bool) -> int:
    from agent.config.load import examine, refusal
    from agent.plan import stated

    points: dict[str, int] = {}
    state = stated(file)
    configuration, mistakes = examine(file, lambda spec, device: _make(spec, device, points, state))
    if json:
        _print_json([_as_data(mistake) for mistake in mistakes])
        return EX_CONFIG if mistakes else 0
    if configuration is None:
        raise refusal(file, mistakes)
    use(configuration.settings.gateway.language)
    for device in configuration.devices:
        print(_summary(device, points[device.id]))
    print(_total(file, configuration))
    return 0


def _make(
    spec: "DriverSpec", device: "Device", points: dict[str, int], state: Path
) -> "PolledDriver | StreamingDriver":
    """Makes the driver, which reads its profile. Raises Misconfigured."""
    from agent.clock import Clock
    from agent.host import DeviceHost

    driver = spec.make(device, DeviceHost(device, Clock(), state_folder=state))
    points[device.id] = len(driver.points)
    return driver


def _summary(device: "Device", points: int) -> str:
    from agent.config.words import duration

    kind = " ".join(filter(None, (device.driver, str(device.options.get("profile") or ""))))
    facts = {"device": device.id, "kind": kind, "points": points, "every": duration(device.every)}
    if not device.wire:
        return say("{device}: {kind}, every {every}, points {points}", **facts)
    return say(
        "{device}: {kind} on wire {wire}, every {every}, points {points}",
        wire=device.wire,
        **facts,
    )


def _total(file: Path, configuration: "Configuration") -> str:
    settings = configuration.settings
    return say(
        "{file}: no mistake found; devices {devices}, wires {wires}, uplinks {uplinks}",
        file=file,
        devices=len(configuration.devices),
        wires=len(settings.wires),
        uplinks=len(settings.uplinks),
    )


def _as_data(mistake: "Mistake") -> dict[str, object]:
    """`line` and `column` are null where the whole file, or the whole line, is meant."""
    return {
        "file": str(mistake.file),
        "line": mistake.line or None,
        "column": mistake.column or None,
        "path": mistake.path,
        "problem": mistake.problem,
    }


def _schema() -> int:
    from agent.config.schema_json import schema

    _print_json(schema())
    return 0


def _drivers(*, json: bool) -> int:
    from agent.contract import Misconfigured
    from agent.i18n import message
    from agent.registry import driver_named, driver_names

    specs = []
    for name in driver_names():
        try:
            specs.append(driver_named(name))
        except Misconfigured as error:
            print(message(error), file=sys.stderr)
    if json:
        _print_json([_spec_data(spec) for spec in specs])
        return 0
    for spec in specs:
        print(f"{spec.name}: {spec.summary}")
        for command in _commands(spec):
            print(f"    fieldgate {command}")
    return 0


def _commands(spec: "DriverSpec") -> Sequence[str]:
    return sorted(spec.commands)


def _spec_data(spec: "DriverSpec") -> dict[str, object]:
    return {"name": spec.name, "summary": spec.summary, "commands": _commands(spec)}


def _print_json(data: object) -> None:
    from json import dumps

    print(dumps(data, ensure_ascii=False, indent=2))
