"""`fieldgate vision occupancy`."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.contract import Misconfigured, Tools
from drivers.camera.commands.lots import (
    Thresholds,
    beside,
    polygons,
    read_zones,
)
from drivers.camera.commands.pictures import Round, listed

if TYPE_CHECKING:
    from drivers.camera.eyes import Eyes
    from drivers.camera.vision.arrays import Image
    from drivers.camera.zones import Zones

CHUNK = 32  # cut-out spaces in one run


def run(args: argparse.Namespace, tools: Tools) -> int:
    """1 when a picture could not be read."""
    if args.calibrate is not None:
        from drivers.camera.commands import calibrate

        return calibrate.run(args, tools)
    if not args.files:
        raise Misconfigured("no pictures were named", hint="fieldgate vision occupancy --help")
    from drivers.camera.byhand import read_by_hand
    from drivers.camera.commands.opening import open_eyes

    files = listed(args.files)
    zones = read_zones(args.spaces, tools) if args.spaces else None
    by_hand = read_by_hand(_calibration(args))
    eyes = open_eyes(tools, args.store, ("occupancy",), by_hand=by_hand)
    thresholds = Thresholds(by_hand.thresholds, usual(eyes))
    going = Round(tools)
    images = going.images(files)
    judged = _patches(eyes, images) if zones is None else _frames(eyes, images, zones)
    for file, chances in judged:
        for line in _told(file, chances, thresholds, args, tools):
            print(line, flush=True)
    return going.exit_code


def usual(eyes: "Eyes") -> float:
    """The card's own threshold."""
    return eyes.occupancy.card.options.get("threshold", 0.5) if eyes.occupancy else 0.5


def _calibration(args: argparse.Namespace) -> Path | None:
    if args.calibration is not None:
        return Path(args.calibration)
    return beside(args.spaces)


Judged = Iterator[tuple[str, dict[str, float]]]


def _patches(eyes: "Eyes", images: Iterator[tuple[str, "Image"]]) -> Judged:
    """Each picture is a space, called ""."""
    waiting: list[tuple[str, Image]] = []
    for one in images:
        waiting.append(one)
        if len(waiting) == CHUNK:
            yield from _run(eyes, waiting)
            waiting = []
    yield from _run(eyes, waiting)


def _run(eyes: "Eyes", waiting: Sequence[tuple[str, "Image"]]) -> Judged:
    chances = eyes.patches([image for _, image in waiting])
    for (file, _), chance in zip(waiting, chances, strict=True):
        yield file, {"": chance}


def _frames(eyes: "Eyes", images: Iterator[tuple[str, "Image"]], zones: "Zones") -> Judged:
    for file, image in images:
        yield file, eyes.occupied(image, polygons(zones, image))


def _told(
    file: str,
    chances: dict[str, float],
    thresholds: Thresholds,
    args: argparse.Namespace,
    tools: Tools,
) -> Iterator[str]:
    if args.json:
        spaces = [_judged(space, p, thresholds) for space, p in chances.items()]
        told = {"spaces": [{"id": i, **one} for i, one in zip(chances, spaces, strict=True)]}
        yield json.dumps({"file": file, **(told if args.spaces else spaces[0])},
                         ensure_ascii=False)  # fmt: skip
        return
    for space, p in chances.items():
        word = tools.say("occupied") if p >= thresholds(space) else tools.say("free")
        yield " ".join(filter(None, (f"{file}:", space, f"{p:.3f}", word)))


def _judged(space: str, p: float, thresholds: Thresholds) -> dict[str, Any]:
    return {"p": round(p, 4), "occupied": p >= thresholds(space)}
