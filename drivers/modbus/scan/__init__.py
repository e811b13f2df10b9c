"""Who is on the wire, and what it is. Asks, and never writes: functions 1, 2, 3, 4, 17 and 43."""

from collections.abc import AsyncIterator
from pathlib import Path

from agent.contract import Find, Search, Step, Wire
from drivers.modbus.profile import load_profile
from drivers.modbus.scan.hunt import Hunt
from drivers.modbus.scan.sheet import Sheet

__all__ = ["scan", "sheets"]


def scan(wire: Wire, search: Search) -> AsyncIterator[Find | Step]:
    return Hunt(wire, search, sheets(search)).run()


def sheets(search: Search) -> list[Sheet]:
    """Of all profiles that can be read; `fieldgate check` tells of the others."""
    from pydantic import ValidationError
    from yaml import YAMLError

    files: dict[str, Path] = {}
    for folder in search.profiles:
        for file in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
            files.setdefault(file.stem, file)
    found = []
    for name, file in sorted(files.items()):
        try:
            found.append(Sheet.of(name, load_profile(file)))
        except (OSError, ValidationError, YAMLError, UnicodeDecodeError):
            continue
    return found
