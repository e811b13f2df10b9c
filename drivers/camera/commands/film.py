"""`fieldgate vision run FILE`: a film goes through what a camera's process does with frames."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from agent.contract import Misconfigured, Tools
from drivers.camera.byhand import read_by_hand
from drivers.camera.commands.lots import beside, read_zones
from drivers.camera.commands.pictures import Round, pictures_in
from drivers.camera.settings import CameraSettings, TaskName
from drivers.camera.site import FOLDERS, MODELS, Site

if TYPE_CHECKING:
    from drivers.camera.child.frames import Frame
    from drivers.camera.vision.arrays import Image

NAME = "film"
STILL = 1.0  # s between the pictures of a folder


def run(args: argparse.Namespace, tools: Tools) -> int:
    """Raises Misconfigured: no film, no such camera, no zones where a task needs them."""
    from drivers.camera.child.setup import Setup
    from drivers.camera.child.sources import open_source
    from drivers.camera.child.work import Camera
    from drivers.camera.commands.opening import quiet
    from drivers.camera.eyes import Eyes
    from drivers.camera.vision.lean import Lean

    quiet()
    if not args.file.exists():
        raise Misconfigured("{file} is not there", hint="name a film", file=args.file)
    with ExitStack() as stack:
        site = _site(args, tools, stack)
    told = site.setup() | {
        "where": str(args.file), "user": "", "password": "", "port": None, "reference": "",
        "confine": False, "pictures": args.pictures is not None, "candidates": {},
    }  # fmt: skip
    if args.rate:
        told["rate"] = args.rate
    setup = Setup(**{**told, "tasks": tuple(told["tasks"])})
    lean = Lean.from_text(setup.lean) if setup.lean else None
    eyes = Eyes.open(site.models, setup.detect, lean)
    teller = Teller(args, tools)
    camera = Camera(setup, eyes, open_source("images", setup.where), teller)
    last = None
    for frame in frames(args.file, setup.rate, tools):
        last = frame.at
        camera.take(frame)
    if last is None:
        raise Misconfigured(
            "{file} has no frame that can be read", hint="try an .mp4 with H.264", file=args.file
        )
    teller.over = True
    camera.end(last, "film_ended")
    if not args.json:
        print(tools.say("{seconds:.0f} s of film, {events} events", seconds=last,
                        events=teller.events))  # fmt: skip
    return 0


def _site(args: argparse.Namespace, tools: Tools, stack: ExitStack) -> Site:
    tasks = _tasks(args.tasks)
    if args.camera:
        device, host = stack.enter_context(tools.device(args.camera, args.config))
        if tasks:
            device = replace(device, options={**device.options, "tasks": tasks})
        return Site.of(device, host, CameraSettings.model_validate(dict(device.options)))
    tasks = tasks or ["plates"]
    zones = read_zones(args.zones, tools) if args.zones else None
    for task, part in (("occupancy", "spaces"), ("no_parking", "no_parking"), ("count", "lines")):
        if task in tasks and not getattr(zones, part, ()):
            raise Misconfigured(
                "the task {task} needs `{part}:` among the zones",
                hint="name a file of zones that has them: --zones FILE",
                task=task,
                part=part,
            )
    by_hand = read_by_hand(beside(args.zones))
    settings = CameraSettings.model_validate({"source": "/film", "tasks": tasks})
    names = sorted({name for task in tasks for name in MODELS[task]})
    models = {name: tools.model(FOLDERS[name], args.store) for name in names}
    return Site(zones.camera if zones else NAME, settings, zones, models, {}, by_hand)


def _tasks(words: str | None) -> list[str]:
    tasks = [word.strip() for word in (words or "").split(",") if word.strip()]
    for unknown in set(tasks) - set(get_args(TaskName)):
        raise Misconfigured(
            "no task is called '{name}'",
            hint="the tasks are: {known}",
            name=unknown,
            known=", ".join(get_args(TaskName)),
        )
    return tasks


def frames(file: Path, rate: float, tools: Tools) -> Iterator["Frame"]:
    """At most `rate` a second; times count from the film's start, a little above 0."""
    from drivers.camera.child.frames import Frame

    shown = _pictures(file, tools) if file.is_dir() else _film(file, rate)
    for at, image in shown:
        yield Frame(image, at + 1e-3)


def _pictures(folder: Path, tools: Tools) -> Iterator[tuple[float, "Image"]]:
    for number, (_, image) in enumerate(
        Round(tools).images([str(file) for file in pictures_in(folder)])
    ):
        yield number * STILL, image


def _film(file: Path, rate: float) -> Iterator[tuple[float, "Image"]]:
    import cv2

    capture = cv2.VideoCapture(str(file))
    if not capture.isOpened():
        raise Misconfigured(
            "{file} is no film that can be opened", hint="try an .mp4 with H.264", file=file
        )
    due = 0.0
    try:
        while capture.grab():
            at = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if at < due:
                continue
            due = at + 0.99 / rate
            ok, image = capture.retrieve()
            if ok and image is not None:
                yield at, np.asarray(image, np.uint8)
    finally:
        capture.release()


@dataclass(slots=True)
class Teller:
    """Prints findings; keeps their pictures where a folder was named."""

    args: argparse.Namespace
    tools: Tools
    over: bool = False
    events: int = 0

    def tell(self, kind: str, body: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        if self.over and (kind != "happened" or body["kind"] == "space.seen"):
            return  # that nothing is known after the end is no news
        if kind == "happened":
            self.events += 1
            self._show({"t": round(body["at"], 2), "kind": body["kind"], "subject": body["subject"],
                        "data": body["data"]})  # fmt: skip
            self._keep(body, blobs)
        elif kind == "measured":
            self._show({"t": round(body["at"], 2), "point": body["point"], "value": body["value"],
                        "reason": body["reason"]})  # fmt: skip

    def wishes(self) -> list[Mapping[str, Any]]:
        return []

    def beat(self) -> None:
        """Nobody waits for a sign of life."""

    def _show(self, finding: dict[str, Any]) -> None:
        if self.args.json:
            print(json.dumps(finding, ensure_ascii=False), flush=True)
            return
        data = finding.get("data") or {finding.get("point"): finding.get("value")}
        said = " ".join(f"{key}={value}" for key, value in data.items() if value not in ("", None))
        subject = filter(None, (finding.get("kind"), finding.get("subject")))
        print(f"{finding['t']:9.2f} s ", *subject, said, finding.get("reason", ""), flush=True)

    def _keep(self, body: Mapping[str, Any], blobs: Sequence[bytes]) -> None:
        folder = self.args.pictures
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        for place, (about, jpeg) in enumerate(zip(body["pictures"], blobs, strict=True)):
            name = f"{self.events:04}-{body['kind']}-{place}-{about[0]}.jpg"
            (folder / name).write_bytes(jpeg)
