"""What the parent asks of a camera's process, and what it needs for it: models, and a shut room."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from drivers.camera import view
from drivers.camera.address import kept_in
from drivers.camera.child import confine
from drivers.camera.child.pipe import Pipe
from drivers.camera.child.sources import Source, open_source
from drivers.camera.child.stream import SIZE
from drivers.camera.eyes import Eyes
from drivers.camera.shadow import Shadow
from drivers.camera.trust import trusted
from drivers.camera.vision.lean import Lean

log = logging.getLogger(__name__)


class Finder(Protocol):
    def __call__(self, *, number: str = "") -> Source:
        """The source, at this number of its name."""


@dataclass(frozen=True, slots=True)
class Setup:
    """As the parent sends it. `models`: detector, reader, occupancy -> folder."""

    camera: str
    kind: str
    where: str
    user: str
    password: str = field(repr=False)
    tasks: tuple[str, ...]
    zones: Mapping[str, Any] | None
    models: Mapping[str, str]
    thresholds: Mapping[str, float]
    rate: float
    rest: float
    detect: int
    pictures: bool
    no_plates: bool
    confidence: float
    port: int | None
    reference: str
    confine: bool
    candidates: Mapping[str, str] = field(default_factory=dict)  # models on trial, as `models`
    lean: str = ""  # what corrects the occupancy net here, as `Lean.to_text` writes it
    learn: Mapping[str, Any] | None = None  # `looks` so far; `every` and `tell`, s
    number: str = ""  # of the name in `where`
    ca: str = ""  # whom its certificate must be signed by, PEM; "": one of the machine's CAs
    size: tuple[int, int] = SIZE  # what a device is asked for


def on_trial(setup: Setup, eyes: Eyes) -> Shadow | None:
    """Models beside those in use; without one that is refused, which says so to its log alone."""
    from agent.contract import Misconfigured

    try:
        candidates = Eyes.open({k: Path(v) for k, v in setup.candidates.items()}, setup.detect)
    except Misconfigured as error:
        log.warning("%s: no model runs in shadow: %s", setup.camera, error)
        return None
    return Shadow(candidates, setup.thresholds, eyes) if candidates.models else None


def opened(setup: Setup, pipe: Pipe) -> Eyes | None:
    """The models, loaded and checked; None, with a word to the parent, when one is refused."""
    import cv2

    from agent.contract import Misconfigured

    cv2.setNumThreads(1)
    warm()
    try:
        lean = Lean.from_text(setup.lean) if setup.lean else None
        return Eyes.open({k: Path(v) for k, v in setup.models.items()}, setup.detect, lean)
    except Misconfigured as error:
        pipe.tell("refused", {"error": str(error)[:1000]})
        return None


def warm() -> None:
    """Uses once what would otherwise be imported or opened when no file can be opened any more."""
    import encodings.idna
    import http.client

    import cv2

    del encodings, http
    blank = np.zeros((64, 64, 3), np.uint8)
    cv2.imdecode(cv2.imencode(".jpg", blank)[1], cv2.IMREAD_COLOR)
    known = view.Known()
    for _ in range(2):  # noise is what changes from one look to the next
        known.look(view.quarter(blank))
    np.random.default_rng(0)


def room(setup: Setup) -> confine.Room:
    """A device that is plugged in again is another one to the kernel, and takes a fresh process."""
    if setup.kind == "images":
        return confine.Room(read=(kept_in(Path(setup.where)),))
    if setup.kind == "v4l2":
        return confine.Room(devices=(Path(setup.where),))
    return confine.Room(port=setup.port)


def finder(setup: Setup) -> Finder:
    """What opens the source at a number of its name. Call it while files can still be opened."""
    return partial(
        open_source,
        setup.kind,
        setup.where,
        setup.user,
        setup.password,
        trust=trusted(setup.ca) if setup.where.startswith("https:") else None,
        size=setup.size,
    )
