"""Where fieldgate's own files are."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.contract import Misconfigured

ETC = Path("/etc/fieldgate")
SITE_PROFILES = ETC / "profiles"


def _shares() -> Iterator[Path]:
    if override := os.environ.get("FIELDGATE_SHARE"):
        yield Path(override)
    yield Path(__file__).parents[1]  # a checkout
    yield Path(sys.prefix) / "share" / "fieldgate"
    yield Path("/usr/share/fieldgate")


def share() -> Path:
    """The folder that holds `configs/`, `models/` and `systemd/`."""
    for folder in _shares():
        if (folder / "configs").is_dir():
            return folder
    raise Misconfigured(
        "the folder with fieldgate's profiles is missing",
        hint="reinstall the package, or set FIELDGATE_SHARE to the folder that holds configs/",
    )


def zones(name: str, store: Path | None) -> Iterator[Path]:
    """Where a camera's zones may be: what was drawn on the device, then a technician's own."""
    if store is not None:
        yield store / "zones" / f"{name}.yaml"
    yield ETC / "zones" / f"{name}.yaml"


def model(task: str, store: Path | None) -> Path:
    """The folder of the model in use: one that was added to the store, else the shipped one.

    Raises Misconfigured when there is none.
    """
    added = store and store / "models" / task / "current"
    shipped = share() / "models" / task
    for folder in (added, shipped):
        if folder is not None and os.access(folder / "card.yaml", os.R_OK):
            return folder.resolve()
    raise Misconfigured(
        "there is no model for {task}",
        hint="reinstall the package, or: fieldgate model add FOLDER",
        task=task,
    )


def candidate(task: str, store: Path | None) -> Path | None:
    """The folder of the model that is on trial beside the one in use."""
    folder = store and store / "models" / task / "candidate"
    return folder.resolve() if folder and os.access(folder / "card.yaml", os.R_OK) else None


def profile(driver: str, name: str, site: Sequence[Path] = (SITE_PROFILES,)) -> Path:
    """Site folders come before what is shipped. Raises Misconfigured with near names."""
    folders = [*(folder / driver for folder in site), share() / "configs" / "profiles" / driver]
    for folder in folders:
        file = folder / f"{name}.yaml"
        if file.is_file():
            return file
    from difflib import get_close_matches

    known = sorted({f.stem for folder in folders if folder.is_dir() for f in folder.glob("*.yaml")})
    close = get_close_matches(name, known, n=1)
    if close:
        raise Misconfigured(
            "no profile is called '{name}'; did you mean '{close}'?",
            hint="see the profiles in {folder}",
            name=name,
            close=close[0],
            folder=folders[-1],
        )
    raise Misconfigured(
        "no profile is called '{name}'",
        hint="see the profiles in {folder}",
        name=name,
        folder=folders[-1],
    )


def profiles(driver: str, site: Sequence[Path] = (SITE_PROFILES,)) -> list[Path]:
    """All of them; a site's own in place of a shipped one of that name."""
    folders = [share() / "configs" / "profiles" / driver, *(folder / driver for folder in site)]
    found = {file.stem: file for folder in folders for file in folder.glob("*.yaml")}
    return [found[name] for name in sorted(found)]
