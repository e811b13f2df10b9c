"""`fieldgate vision occupancy --calibrate FOLDER`: a camera's threshold from its first day."""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.contract import Misconfigured, Tools
from drivers.camera.commands.lots import calibration_of, polygons, read_zones
from drivers.camera.commands.pictures import Round, listed
from drivers.camera.tasks.calibration import from_labels, from_looks, odds
from drivers.camera.tasks.steady import BAND

if TYPE_CHECKING:
    from drivers.camera.commands.leaning import Senses

Name = tuple[str, str]  # file name, space ("" for a cut-out one)
YES = frozenset({"1", "true", "yes", "occupied"})
NO = frozenset({"0", "false", "no", "free", "vacant"})
LEAST = 100  # looks; a person reads what came of them, so fewer do than for a camera by itself
Z = 1.96  # 95 %, two-sided


@dataclass(frozen=True, slots=True)
class Learnt:
    """`accuracy`: the mean of both kinds' with labels: as calibrated, at the usual threshold, and
    half the width of the first one's 95 % interval. `lean`: what corrects the net, as text."""

    threshold: float
    by: str  # looks, labels
    looks: int
    occupied: int
    undecided: int  # so near to the threshold that a single look says nothing
    accuracy: tuple[float, float, float] | None = None
    lean: str = ""


def run(args: argparse.Namespace, tools: Tools) -> int:
    """Raises Misconfigured when nothing can be learnt from these pictures."""
    from drivers.camera.commands.leaning import Senses
    from drivers.camera.commands.occupancy import usual
    from drivers.camera.commands.opening import open_eyes
    from drivers.camera.vision import spaces

    eyes = open_eyes(tools, args.store, ("occupancy",))
    going = Round(tools)
    zones = read_zones(args.spaces, tools) if args.spaces else None
    files = listed([str(args.calibrate)])
    senses = Senses(eyes, _known(args, files, [one.id for one in zones.spaces] if zones else []))
    for file, image in going.images(files):
        areas = polygons(zones, image) if zones else {}
        cut = {space: spaces.patch(image, polygon) for space, polygon in areas.items()}
        senses.look(Path(file).name, cut if zones else {"": image})
    learnt = upright(learn(senses.chances, senses.known, usual(eyes)), senses)
    camera = args.camera or (zones.camera if zones else args.calibrate.resolve().name)
    model = eyes.models[0].card
    out = args.out or _place(args, camera)
    write(out, camera, f"{model.id}/{model.version}", learnt)
    for line in _told(out, camera, learnt, usual(eyes), args, tools):
        print(line)
    return going.exit_code


def _known(
    args: argparse.Namespace, files: Sequence[str], spaces: Sequence[str]
) -> Mapping[Name, bool]:
    """What others say of the spaces; a person's word is taken before a detector's. Raises
    Misconfigured."""
    by_hand = labels(args.calibrate / "labels.csv")
    if args.sensors is None:
        return by_hand
    from drivers.camera.commands.sensed import sensed

    if not spaces:
        raise Misconfigured(
            "--sensors tells which spaces are taken; which are in the pictures is not known",
            hint="name the camera's zones, too: --spaces FILE",
        )
    return sensed(args.sensors, map(Path, files), spaces) | by_hand


def _place(args: argparse.Namespace, camera: str) -> Path:
    """Beside the zones; without them in the store for a named camera, else here."""
    if args.spaces:
        return calibration_of(args.spaces)
    folder = args.store / "zones" if args.camera else Path()
    return Path(folder / f"{camera}.calibration.yaml")


def labels(file: Path) -> dict[Name, bool]:
    """Empty where there is none. Raises Misconfigured."""
    if not file.is_file():
        return {}
    found: dict[Name, bool] = {}
    with file.open(encoding="utf-8-sig", newline="") as rows:
        for number, row in enumerate(csv.DictReader(rows), 2):
            word = str(row.get("occupied", "")).strip().lower()
            if "file" not in row or word not in YES | NO:
                raise Misconfigured(
                    "{file}: line {number} has no file, or no 0 or 1 as occupied",
                    hint="write a head: file,occupied, with --spaces: file,space,occupied",
                    file=file,
                    number=number,
                )
            space = row.get("space") or row.get("space_id") or ""
            found[Path(row["file"]).name, space] = word in YES
    return found


def learn(chances: Mapping[Name, float], known: Mapping[Name, bool], usual: float) -> Learnt:
    """By the labels where some fit, else by the looks alone. Raises Misconfigured."""
    labelled = {name: taken for name, taken in known.items() if name in chances}
    looks = list(chances.values())
    if labelled:
        pairs = [(chances[name], taken) for name, taken in labelled.items()]
        threshold = from_labels(*zip(*pairs, strict=True))
    else:
        threshold = from_looks(looks, LEAST)
    if threshold is None:
        raise Misconfigured(
            "{looks} looks do not tell free from taken; the threshold stays {usual:g}",
            hint="take pictures of a whole day, 100 looks or more, or add a labels.csv with both",
            looks=len(looks),
            usual=usual,
        )
    return Learnt(
        threshold,
        "labels" if labelled else "looks",
        len(looks),
        sum(p >= threshold for p in looks),
        sum(abs(odds(p) - odds(threshold)) < BAND for p in looks),
        accuracy(pairs, threshold, usual) if labelled else None,
    )


def upright(learnt: Learnt, senses: "Senses") -> Learnt:
    """With a correction of the net in place of the threshold, where that is right more often on
    pictures that it was not found from."""
    from drivers.camera.commands.leaning import correct

    found = correct(senses)
    if found is None or learnt.accuracy is None or found.accuracy <= learnt.accuracy[0]:
        return learnt
    accuracy = found.accuracy, learnt.accuracy[1], found.half
    return replace(learnt, threshold=0.5, accuracy=accuracy, lean=found.lean.to_text())


def accuracy(
    pairs: Sequence[tuple[float, bool]], threshold: float, usual: float
) -> tuple[float, float, float]:
    """(at the new threshold, at the usual one, half of the 95 % interval of the first). The
    threshold was chosen on the same looks: the first figure flatters a little."""
    groups = [[p for p, taken in pairs if taken is kind] for kind in (True, False)]

    def shares(at: float) -> tuple[float, float]:
        taken, free = groups
        return sum(p >= at for p in taken) / len(taken), sum(p < at for p in free) / len(free)

    chosen, before = shares(threshold), shares(usual)
    spread = sum(s * (1 - s) / len(g) for s, g in zip(chosen, groups, strict=True))
    return sum(chosen) / 2, sum(before) / 2, Z * sqrt(spread) / 2


def write(out: Path, camera: str, model: str, learnt: Learnt) -> None:
    """As drivers/camera/byhand.py reads it. Raises Misconfigured."""
    import yaml

    told: dict[str, Any] = {
        "camera": camera,
        "thresholds": {"": learnt.threshold},
        "by": learnt.by,
        "looks": learnt.looks,
        "model": model,
    }
    if learnt.lean:
        told["lean"] = learnt.lean
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = out.with_name(f"{out.name}.new")
        fresh.write_text(yaml.safe_dump(told, sort_keys=False, allow_unicode=True), "utf-8")
        fresh.replace(out)
    except OSError as error:
        raise Misconfigured(
            "{file} cannot be written: {why}",
            hint="use sudo, or name another place with --out",
            file=out,
            why=error.strerror or error,
        ) from error


def _told(
    out: Path, camera: str, learnt: Learnt, usual: float, args: argparse.Namespace, tools: Tools
) -> list[str]:
    if args.json:
        whole = {name: getattr(learnt, name) for name in ("threshold", "by", "looks", "occupied",
                                                          "undecided")}  # fmt: skip
        if learnt.accuracy:
            whole["accuracy"] = [round(value, 4) for value in learnt.accuracy]
            whole["corrected"] = bool(learnt.lean)
        return [json.dumps({"file": str(out), "camera": camera, **whole}, ensure_ascii=False)]
    say = tools.say
    lines = [
        say("{camera}: taken from {threshold:.3f} on (was {usual:g}), in {file}", camera=camera,
            threshold=learnt.threshold, usual=usual, file=out),
        say("from {looks} looks: {occupied} taken, {free} free, {undecided} too near to say",
            looks=learnt.looks, occupied=learnt.occupied, free=learnt.looks - learnt.occupied,
            undecided=learnt.undecided),
    ]  # fmt: skip
    if learnt.accuracy:
        new, old, spread = (100 * value for value in learnt.accuracy)
        lines.append(
            say("right by the labels: {new:.1f} % ± {spread:.1f}, before {old:.1f} %", new=new,
                spread=spread, old=old)
        )  # fmt: skip
        if learnt.lean:
            lines.append(say("the net is corrected for this camera; each fifth of the pictures was "
                             "judged by the others"))  # fmt: skip
    else:
        lines.append(say("nobody said which were taken: look at some; labels.csv is surer"))
    return lines
