"""`fieldgate COMMAND`: finds the command's module and runs it; nothing else is loaded.

A command's module has `parser() -> argparse.ArgumentParser` and `run(args) -> int`, and raises
GatewayError for what a person can mend.
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from agent.i18n import hint, message, say, use

EX_USAGE = 64
EX_SOFTWARE = 70

COMMANDS = {
    "demo": "the whole gateway on simulated devices, live in the terminal",
    "run": "the service",
    "check": "validate configuration and profiles; touches no device",
    "read": "one sample of a device now, decoded, with the raw words",
    "simulate": "answer as the devices of a configuration would",
    "status": "the board: devices, wires, streams, uplinks, hours of buffer left",
    "trace": "a line per stage for each reading of a device, live",
    "watch": "subscribe as a cloud would; report gaps, duplicates, order, delay",
    "parking": "spaces of the running service; replay of a recorded magnetometer trace",
    "maintenance": "somebody works on a device: no alarms, its data is marked",
    "replace": "a device's hardware was replaced: its points and counters go on",
    "address": "new devices, which all arrive with one id, get ids of their own",
    "doctor": "bus: what may be wrong with a wire, and the next step",
    "scan": "find devices: on a wire, at the serial ports, in the air",
    "identify": "which device did somebody just touch, or drive over?",
    "configure": "set a device itself up: calibration, compensation, what it keeps",
    "buffer": "look into the store: list, export, replay, verify",
    "privacy": "what personal data the store holds, how old and how much",
}


def main(argv: Sequence[str] | None = None) -> int:
    """The process's exit code: 0, 1, 64, 70, 75 or 78 (see docs/wire.md)."""
    words = list(sys.argv[1:] if argv is None else argv)
    use("auto")
    if not words or words[0] in {"-h", "--help"}:
        print(_help())
        return 0 if words else EX_USAGE
    if words[0] in {"-V", "--version"}:
        from agent import __version__

        print(f"fieldgate {__version__}")
        return 0
    if words[0] in COMMANDS:
        return run_module(f"agent.cli.{words[0]}", words[1:])
    return _driver_command(words)


def run_module(module_name: str, words: Sequence[str]) -> int:
    """A command's module, from its words to its exit code."""
    module = import_module(module_name)
    try:
        args = module.parser().parse_args(words)
    except SystemExit as leave:
        return EX_USAGE if leave.code else 0
    return _told(lambda: module.run(args))


def _told(command: Callable[[], int]) -> int:
    """What goes wrong is told in words; the exit code says of what kind it was."""
    from agent.contract import GatewayError

    try:
        return int(command())
    except GatewayError as error:
        print(message(error), file=sys.stderr)
        if error.hint:
            print(say("next: {hint}", hint=hint(error)), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception:  # noqa: BLE001  told with all that helps to mend it
        import traceback

        traceback.print_exc()
        print(say("this is a bug of fieldgate's; please report the lines above"), file=sys.stderr)
        return EX_SOFTWARE


def _driver_command(words: Sequence[str]) -> int:
    """A command that an installed driver brings: "module:function"."""
    from agent.cli.driver_commands import driver_commands

    commands = driver_commands()
    if words[0] not in commands:
        from difflib import get_close_matches

        print(say("fieldgate has no command '{name}'", name=words[0]), file=sys.stderr)
        for close in get_close_matches(words[0], [*COMMANDS, *commands], n=1):
            print(say("did you mean 'fieldgate {name}'?", name=close), file=sys.stderr)
        return EX_USAGE
    from agent.cli.tools import CommandTools

    module, _, function = commands[words[0]].partition(":")
    command = getattr(import_module(module), function)
    try:
        return _told(lambda: command(list(words[1:]), CommandTools()))
    except SystemExit as leave:
        return EX_USAGE if leave.code else 0


def _help() -> str:
    lines = [
        say("fieldgate: sensors to disk to broker, and nothing lost"),
        "",
        say("usage: fieldgate COMMAND [--help]"),
        "",
        *(f"  {name:<11} {say(summary)}" for name, summary in COMMANDS.items()),
        "",
        say("try: fieldgate demo"),
        say("commands that installed drivers bring: fieldgate check --drivers"),
    ]
    return "\n".join(lines)
