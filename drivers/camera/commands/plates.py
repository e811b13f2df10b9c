"""`fieldgate vision plates`."""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from agent.contract import Tools
from drivers.camera.commands.pictures import Round, listed
from drivers.camera.sight import Plate


def run(args: argparse.Namespace, tools: Tools) -> int:
    """1 when a picture could not be read."""
    from drivers.camera.commands.opening import open_eyes

    files = listed(args.files)
    names = ("reader",) if args.crop else ("detector", "reader")
    eyes = replace(open_eyes(tools, args.store, names, args.size), threshold=args.threshold)
    going = Round(tools)
    for file, image in going.images(files):
        found = [_whole(eyes, image)] if args.crop else eyes.plates(image)
        told = {"file": file, "plates": [as_json(plate) for plate in found]}
        for line in [json.dumps(told, ensure_ascii=False)] if args.json else _lines(file, found):
            print(line, flush=True)
    return going.exit_code


def _whole(eyes: Any, image: Any) -> Plate:
    """A picture that is a plate."""
    height, width = (float(side) for side in image.shape[:2])
    corners = (0.0, 0.0), (width, 0.0), (width, height), (0.0, height)
    read = eyes.read(image)
    return Plate(corners, read.confidence, read.text, read.colour, read.characters, read.confidence)


def as_json(plate: Plate) -> dict[str, Any]:
    """`confidence`: that there is such a plate, its text considered; of a cut-out one, that it is
    read rightly. Corners clockwise from top left, in pixels."""
    return {
        "text": plate.text,
        "color": plate.colour,
        "confidence": round(plate.score, 4),
        "box": [round(value, 1) for value in plate.box],
        "corners": [[round(x, 1), round(y, 1)] for x, y in plate.corners],
    }


def _lines(file: str, found: Sequence[Plate]) -> Iterator[str]:
    if not found:
        yield f"{file}: -"
    for plate in found:
        left, top, right, bottom = plate.box
        where = f"{left:.0f},{top:.0f} {right - left:.0f}x{bottom - top:.0f}"
        said = plate.text or "?", plate.colour or "?", f"{plate.score:.2f}", where
        yield f"{file}: {'  '.join(said)}"
