"""`fieldgate model`: which models are here, whether they are sound, which one is used."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from agent.contract import Misconfigured, Tools
from drivers.camera.model_store import CANDIDATE, CURRENT, TASKS, ModelStore
from drivers.camera.shadow import AGREE, LOOKS, agrees, tally

RESTART = "systemctl restart fieldgate"


def model(words: Sequence[str], tools: Tools) -> int:
    """The exit code. Raises GatewayError."""
    args = parser(tools).parse_args(words)
    args.store = args.store or tools.store(None)
    if args.action == "list":
        from drivers.camera.commands.model_list import run

        return run(args, tools)
    actions = {"verify": verify, "add": add, "accept": accept, "rollback": rollback}
    return actions[args.action](args, tools)


def parser(tools: Tools) -> argparse.ArgumentParser:
    say = tools.say
    parser = argparse.ArgumentParser(
        prog="fieldgate model",
        description=say("the models on this device: which there are, which one is used"),
        epilog=say("example: fieldgate model list"),
    )
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument("--store", type=Path, help=say("the folder of the store"))
    store.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = actions.add_parser(
            name, parents=[store], help=summary, description=summary,
            epilog=say("example: {command}", command=f"fieldgate model {example}"),
        )  # fmt: skip
        return added

    action("list", say("every model, its source, its figures, which one is used"), "list")
    check = action("verify", say("hash, opset, shapes, golden images; exit code 1 when one is "
                                 "refused"), "verify")  # fmt: skip
    check.add_argument("folders", type=Path, nargs="*", metavar="FOLDER",
                       help=say("of a model; else all that are here"))  # fmt: skip
    new = action("add", say("check a model and run it in shadow beside the one in use"),
                 "add /media/usb/plate_reader-3")  # fmt: skip
    new.add_argument("folder", type=Path, metavar="FOLDER", help=say("with card.yaml"))
    new.add_argument("--now", action="store_true", help=say("use it at once, without a shadow"))
    take = action("accept", say("use the model in shadow, once it agrees often enough"),
                  "accept plate_reader")  # fmt: skip
    take.add_argument("task", choices=TASKS)
    take.add_argument("--agreement", type=float, default=AGREE, help=say("share of the looks"))
    take.add_argument("--looks", type=int, default=LOOKS, help=say("in shadow, at least"))
    take.add_argument("--force", action="store_true", help=say("however often it agreed"))
    back = action("rollback", say("use the model before this one"), "rollback plate_reader")
    back.add_argument("task", choices=TASKS)
    return parser


def store_of(task: str, store: Path, tools: Tools) -> ModelStore:
    return ModelStore(store / "models" / task, tools.shipped(task))


def verify(args: argparse.Namespace, tools: Tools) -> int:
    """1 when one is refused."""
    from drivers.camera.commands.extra import check_extra

    check_extra()
    from drivers.camera.commands.trying import sound

    stores = [store_of(task, args.store, tools) for task in TASKS]
    folders = args.folders or [stand.folder for store in stores for stand in store.all()]
    refused = 0
    for folder in folders:
        problem = ""
        try:
            sound(folder)
        except Misconfigured as error:
            refused += 1
            problem = tools.say(error.template, **error.values)
        if args.json:
            print(json.dumps({"folder": str(folder), "sound": not problem, "problem": problem},
                             ensure_ascii=False))  # fmt: skip
        else:
            print(problem or tools.say("{folder}: as its card says", folder=folder), flush=True)
    return 1 if refused else 0


def add(args: argparse.Namespace, tools: Tools) -> int:
    from drivers.camera.commands.extra import check_extra

    check_extra()
    from drivers.camera.commands.trying import sound
    from drivers.camera.model_store import EIGHT_BITS

    card = sound(args.folder).card
    if (args.folder / EIGHT_BITS / "card.yaml").is_file():
        sound(args.folder / EIGHT_BITS, card.task)
    store = store_of(card.task, args.store, tools)
    target = store.add(args.folder)
    if args.now:
        store.use(target)
        return _used(args, tools, card.task, target)
    store.propose(target)
    if args.json:
        _as_json(card.task, target, CANDIDATE)
        return 0
    print(tools.say("{task}: {folder} runs in shadow beside the one in use", task=card.task,
                    folder=target.name))  # fmt: skip
    print(tools.say("next: {command}; later: {later}", command=RESTART,
                    later=f"fieldgate model accept {card.task}"))  # fmt: skip
    return 0


def accept(args: argparse.Namespace, tools: Tools) -> int:
    """Raises Misconfigured while it agrees too rarely."""
    from drivers.camera.vision.card import read_card

    store = store_of(args.task, args.store, tools)
    candidate = store.candidate()
    if candidate is not None and not args.force:
        looks, agreed = tally(
            tools.memories(args.store).values(), read_card(candidate / "card.yaml").sha256
        )
        if not agrees(looks, agreed, args.agreement, args.looks):
            raise Misconfigured(
                "{task}: {agreed} of {looks} looks in shadow agree; {share:.0%} of {least} or more "
                "are asked for",
                hint="wait for more looks, see: fieldgate model list; or use --force",
                task=args.task,
                agreed=agreed,
                looks=looks,
                share=args.agreement,
                least=args.looks,
            )
    return _used(args, tools, args.task, store.accept())


def rollback(args: argparse.Namespace, tools: Tools) -> int:
    return _used(args, tools, args.task, store_of(args.task, args.store, tools).go_back())


def _used(args: argparse.Namespace, tools: Tools, task: str, folder: Path) -> int:
    if args.json:
        _as_json(task, folder, CURRENT)
        return 0
    print(tools.say("{task}: {folder} is used from now on", task=task, folder=folder))
    print(tools.say("next: {hint}", hint=RESTART))
    return 0


def _as_json(task: str, folder: Path, use: str) -> None:
    print(json.dumps({"task": task, "folder": str(folder), "use": use}, ensure_ascii=False))
