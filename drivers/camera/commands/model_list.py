"""`fieldgate model list`."""

import argparse
import json
from pathlib import Path
from typing import Any

from agent.contract import Misconfigured, Tools
from drivers.camera.model_store import CANDIDATE, TASKS, ModelStore, Stand
from drivers.camera.shadow import tally
from drivers.camera.vision.card import Card, read_card


def run(args: argparse.Namespace, tools: Tools) -> int:
    lines = [line for task in TASKS for line in _described(task, args.store, tools)]
    if args.json:
        for line in lines:
            print(json.dumps(line, ensure_ascii=False))
        return 0
    say = tools.say
    words = {"current": say("in use"), "previous": say("before"), "candidate": say("in shadow"),
             "": "-"}  # fmt: skip
    sources = {"shipped": say("shipped"), "added": say("added")}
    head = [say("task"), "id", say("version"), say("bits"), say("use"), say("source"),
            say("figures")]  # fmt: skip
    rows = [
        [
            line["task"], line["id"], line["version"], line["precision"], words[line["use"]],
            sources[line["source"]], line["agreement"] or line["metric"],
        ]
        for line in lines
    ]  # fmt: skip
    print("\n".join(tools.table([head, *rows])) if rows else say("no models"))
    return 0


def _described(task: str, folder: Path, tools: Tools) -> list[dict[str, Any]]:
    lines = []
    for stand in ModelStore(folder / "models" / task, tools.shipped(task)).all():
        try:
            card = read_card(stand.folder / "card.yaml")
        except Misconfigured as error:
            lines.append(_broken(task, stand, error))
            continue
        looks, agreed = tally(tools.memories(folder).values(), card.sha256)
        shadow = stand.used == CANDIDATE
        lines.append(
            {
                "task": task,
                "id": card.id,
                "version": card.version,
                "precision": str(card.about.get("precision", "?")),
                "use": stand.used,
                "source": stand.source,
                "sha256": card.sha256,
                "folder": str(stand.folder),
                "metric": _metric(card),
                "shadow_looks": looks if shadow else None,
                "shadow_agreement": round(agreed / looks, 4) if shadow and looks else None,
                "agreement": _agreed(looks, agreed, tools) if shadow else "",
            }
        )
    return lines


def _broken(task: str, stand: Stand, error: Misconfigured) -> dict[str, Any]:
    return {
        "task": task, "id": stand.folder.name, "version": "?", "precision": "?",
        "use": stand.used, "source": stand.source, "sha256": "", "folder": str(stand.folder),
        "metric": str(error), "shadow_looks": None, "shadow_agreement": None, "agreement": "",
    }  # fmt: skip


def _metric(card: Card) -> str:
    """The first figure of the card, which is the one that was measured on what it never saw."""
    for metric in card.about.get("metrics") or ():
        low, high = metric.get("interval", ("", ""))
        interval = f" [{low}, {high}]" if low != "" else ""
        return f"{metric['what']} {metric['value']}{interval}, n {metric['n']}"
    return "-"


def _agreed(looks: int, agreed: int, tools: Tools) -> str:
    if not looks:
        return tools.say("no look yet")
    return tools.say(
        "{share:.1f} % of {looks} looks agree", share=100 * agreed / looks, looks=looks
    )
