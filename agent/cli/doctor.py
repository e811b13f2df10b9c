"""`fieldgate doctor bus NAME`: what may be wrong with a wire, and what to do next.

Through the running service where it has the wire, else straight from the port. Nothing is written
to any device.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.i18n import say, use

if TYPE_CHECKING:
    from agent.cli.examining import Visit
    from agent.doctor.causes import Ill, Judgement
    from agent.doctor.evidence import Evidence
    from agent.doctor.steps import Effect

CONFIG = Path("/etc/fieldgate/gateway.yaml")


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate doctor",
        description=say("what may be wrong with a wire, and the step that tells the causes apart"),
        epilog=say("example: fieldgate doctor bus field"),
    )
    actions = parser.add_subparsers(dest="action", metavar="WHAT")
    bus = actions.add_parser(
        "bus",
        help=say("listen to a wire, ask its devices harmless questions, name what may be wrong"),
        description=say(
            "listen to a wire, ask its devices harmless questions, name what may be wrong: at most "
            "three causes, the likeliest first, each with the next step; at a terminal it measures "
            "again after each step"
        ),
        epilog=say(
            "example: fieldgate doctor bus field --capture /tmp/field    (exit code 0: the wire is "
            "well, 1: something was found)"
        ),
    )
    bus.add_argument("name", metavar="NAME", help=say("of the wire, in the settings"))
    bus.add_argument("--config", type=Path, help=say("the settings; else {file}", file=CONFIG))
    bus.add_argument("--socket", type=Path, help=say("of the service"))
    bus.add_argument(
        "--json", action="store_true", help=say("as one JSON object; no step is waited for")
    )
    bus.add_argument(
        "--speeds",
        action="store_true",
        help=say(
            "try other speeds and parities even on a wire that the service uses; its devices wait "
            "meanwhile"
        ),
    )
    bus.add_argument("--listen", type=float, default=3.0, metavar="SECONDS",
        help=say("how long to listen before the first question; 3 s if not given"))  # fmt: skip
    bus.add_argument(
        "--capture",
        type=Path,
        metavar="FILE",
        help=say("write all that was said to FILE.txt and, for Wireshark, FILE.pcap"),
    )
    return parser


def run(args: argparse.Namespace) -> int:
    if args.action is None:
        print(say("what `fieldgate doctor` can examine:"))
        print("  bus NAME   " + say("a wire of the settings: why its devices do not answer well"))
        print(say("try: {command}", command="fieldgate doctor bus --help"))
        return 0
    import asyncio

    return asyncio.run(_examine(args))


async def _examine(args: argparse.Namespace) -> int:
    from agent.cli.examining import Visit
    from agent.doctor.judge import judge
    from agent.doctor.report import as_json, lines

    visit = Visit(args.name, args.config, args.socket, args.listen, speeds=args.speeds)
    show = not args.json and sys.stderr.isatty()
    evidence = await visit.examine(progress if show else quiet)
    judgement = judge(evidence)
    if args.json:
        import json

        use("en")
        print(json.dumps(as_json(evidence, judgement), ensure_ascii=False))
    else:
        print("\n".join(lines(evidence, judgement)))
        if sys.stdin.isatty() and sys.stdout.isatty():
            judgement = await step_by_step(visit, evidence, judgement)
    if args.capture is not None:
        for file in visit.write(args.capture):
            print(say("written: {file}", file=file), file=sys.stderr)
    return 0 if judgement.well else 1


async def step_by_step(visit: "Visit", before: "Evidence", judgement: "Judgement") -> "Judgement":
    """Asks for the likeliest cause's step, measures again, and ranks anew, until all is well or
    the person has enough."""
    from agent.doctor.judge import judge
    from agent.doctor.report import lines
    from agent.doctor.steps import NO_USE, SKIPPED, Effect, doubted, effect
    from agent.doctor.words import words

    doubts: dict[Ill, float] = {}
    while not judgement.well:
        cause = judgement.causes[0]
        answer = _asked_of_person(words(cause, before).step)
        if answer == "q":
            break
        if answer == "s":
            doubts = doubted(doubts, cause.ill, SKIPPED)
            judgement = judge(before, doubts)
            continue
        after = await visit.examine(progress)
        result = effect(before, after, cause)
        if result is Effect.NONE:
            doubts = doubted(doubts, cause.ill, NO_USE)
        print(_said_of(result, words(cause, before).title))
        before, judgement = after, judge(after, doubts)
        print("\n".join(lines(before, judgement)))
    return judgement


def _asked_of_person(step: str) -> str:
    print()
    print(say("now: {step}", step=step))
    try:
        return input(say("then press Enter (s: leave this step out, q: end) ")).strip().lower()
    except EOFError:
        return "q"


def _said_of(result: "Effect", title: str) -> str:
    if result.value == "healed":
        return say("all is well now; it was: {title}", title=title)
    if result.value == "better":
        return say("that helped, but it is not all: {title}", title=title)
    return say("no change; less likely now: {title}", title=title)


def progress(what: str, which: str) -> None:
    said = {
        "listen": say("listening: {which}", which=which),
        "ask": say("asking {which}", which=which),
        "pause": say("asking {which} after a pause", which=which),
        "search": say("trying {which}", which=which),
        "wait": say("the devices of {which} wait while other speeds are tried", which=which),
        "": "",
    }[what]
    end = "\n" if what == "wait" else ""
    print(f"\r\x1b[K{said}", end=end, file=sys.stderr, flush=True)


def quiet(what: str, which: str) -> None:
    """Not at a terminal: only what others have to bear is told."""
    if what == "wait":
        print(say("the devices of {which} wait while other speeds are tried", which=which),
              file=sys.stderr)  # fmt: skip
