"""Models on the device: those that the package brought, those that were added, which one is used.

    STORE/models/TASK/ID-VERSION-SHA8/   a model that was added, with its card and golden images
    STORE/models/TASK/current            a link to what is used; none: the shipped one
    STORE/models/TASK/previous           a link to what was used before
    STORE/models/TASK/candidate          a link to what runs beside it in shadow

Links change in one step, so a reader sees the old one or the new one.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.contract import Misconfigured
from drivers.camera.vision.card import Card, read_card

CURRENT, PREVIOUS, CANDIDATE = "current", "previous", "candidate"
TASKS = ("plate_detector", "plate_reader", "occupancy")
EIGHT_BITS = "int8"  # the folder of the variant, inside the model's


@dataclass(frozen=True, slots=True)
class Stand:
    """One model of a task, as it lies there."""

    folder: Path
    source: str  # shipped, added
    used: str  # current, previous, candidate, or nothing


@dataclass(frozen=True, slots=True)
class ModelStore:
    """Of one task. `shipped`: the package's folder; it may not exist."""

    folder: Path
    shipped: Path

    def current(self) -> Path | None:
        """None where the package brought none and none was added."""
        return self._link(CURRENT) or (self.shipped.resolve() if _has_card(self.shipped) else None)

    def previous(self) -> Path | None:
        return self._link(PREVIOUS)

    def candidate(self) -> Path | None:
        return self._link(CANDIDATE)

    def all(self) -> Iterator[Stand]:
        """The shipped one first; each with its variant in 8 bits after it."""
        for folder in _with_variants(self.shipped):
            yield Stand(folder, "shipped", self._use(folder))
        if self.folder.is_dir():
            for added in sorted(self.folder.iterdir()):
                if not added.is_symlink():
                    for folder in _with_variants(added):
                        yield Stand(folder, "added", self._use(folder))

    def add(self, folder: Path) -> Path:
        """Copies a model that was found sound. Raises Misconfigured when it cannot be written."""
        card = read_card(folder / "card.yaml")
        target = self.folder / f"{_plain(card.id)}-{_plain(card.version)}-{card.sha256[:8]}"
        fresh = target.with_name(f".{target.name}.new")
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            copy(card, fresh)
            if _has_card(folder / EIGHT_BITS):
                copy(read_card(folder / EIGHT_BITS / "card.yaml"), fresh / EIGHT_BITS)
            shutil.rmtree(target, ignore_errors=True)
            fresh.replace(target)
            self._hand_over(target, *target.rglob("*"))
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return target

    def propose(self, folder: Path) -> None:
        """Runs in shadow from now on. Raises Misconfigured."""
        self._point(CANDIDATE, folder)

    def use(self, folder: Path) -> None:
        """Is used from now on; what was used can be gone back to. Between the variants of one model
        there is no before and after. Raises Misconfigured."""
        before = self.current()
        if before == folder.resolve():
            return
        if before is not None and model_of(before) != model_of(folder.resolve()):
            self._point(PREVIOUS, before)
        self._point(CURRENT, folder)
        if self.candidate() == folder.resolve():
            self._remove(CANDIDATE)

    def accept(self) -> Path:
        """The candidate is used from now on. Raises Misconfigured when there is none."""
        folder = self.candidate()
        if folder is None:
            raise Misconfigured(
                "no model of {task} runs in shadow",
                hint="fieldgate model add FOLDER",
                task=self.folder.name,
            )
        self.use(folder)
        return folder

    def go_back(self) -> Path:
        """To the model before; a second time returns. Raises Misconfigured when there is none."""
        before, now = self.previous(), self.current()
        if before is None or now is None:
            raise Misconfigured(
                "there is no model of {task} before this one",
                hint="fieldgate model list",
                task=self.folder.name,
            )
        self._point(CURRENT, before)
        self._point(PREVIOUS, now)
        return before

    def _use(self, folder: Path) -> str:
        uses = (self.current(), CURRENT), (self.candidate(), CANDIDATE), (self.previous(), PREVIOUS)
        return next((name for place, name in uses if place == folder.resolve()), "")

    def _link(self, name: str) -> Path | None:
        """Where a link leads; None where it leads to no model any more."""
        link = self.folder / name
        return link.resolve() if _has_card(link) else None

    def _point(self, name: str, folder: Path) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = self.folder / f".{name}.new"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(folder.resolve())
            fresh.replace(self.folder / name)
            self._hand_over(self.folder / name, self.folder, self.folder.parent)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def _hand_over(self, *paths: Path) -> None:
        """What root makes in a store belongs to whom the store belongs to, the service."""
        owner = self.folder.parents[1].stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            for path in paths:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def _remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)


def copy(card: Card, target: Path) -> None:
    """The model, its card and its golden images into one folder, which needs no other."""
    target.mkdir(parents=True)
    shutil.copyfile(card.file, target / "model.onnx")
    about: dict[str, Any] = {**card.about, "file": "model.onnx"}
    entries = []
    for number, golden in enumerate(card.golden):
        name = f"golden/{number}{golden.image.suffix}"
        (target / "golden").mkdir(exist_ok=True)
        shutil.copyfile(golden.image, target / name)
        entries.append({**about["golden"]["images"][number], "image": name})
    if entries:
        about["golden"] = {**about["golden"], "images": entries}
    import yaml

    text = yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=100)
    (target / "card.yaml").write_text(text, encoding="utf-8")


def model_of(folder: Path) -> Path:
    """The folder of the model that this one is, or is a variant of."""
    return folder.parent if folder.name == EIGHT_BITS else folder


def _with_variants(folder: Path) -> Iterator[Path]:
    for one in (folder, folder / EIGHT_BITS):
        if _has_card(one):
            yield one


def _has_card(folder: Path) -> bool:
    return os.access(folder / "card.yaml", os.R_OK)


def _plain(text: str) -> str:
    """Fit for a folder's name."""
    return "".join(c if c.isalnum() or c in "._" else "-" for c in text).strip(".-")[:40] or "model"


def _unwritable(folder: Path, error: OSError) -> Misconfigured:
    return Misconfigured(
        "{folder} cannot be written: {why}",
        hint="use sudo, or name another store with --store",
        folder=folder,
        why=error.strerror or error,
    )
