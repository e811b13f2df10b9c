"""Find, parse and validate the configuration."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agent.config.checks import Parts, cross_checks
from agent.config.document import Document
from agent.config.files import file_checks
from agent.config.include import read_document
from agent.config.mistake import Mistake, in_order
from agent.config.options import Judged, Probe, judge_devices
from agent.config.parking import SpaceSettings
from agent.config.report import explain
from agent.config.schema import DeviceSettings, Settings, UplinkSettings, WireSettings
from agent.config.spaces import space_checks
from agent.contract import Device, DriverSpec, Misconfigured

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the files say, valid as a whole. `specs` are the drivers of `devices`, in order."""

    settings: Settings
    devices: tuple[Device, ...]
    specs: tuple[DriverSpec, ...]
    files: tuple[Path, ...]  # the gateway's own first, then what it includes
    places: Mapping[str, str]

    def where(self, device: str) -> str:
        """`file:line` of the device with that id."""
        return self.places[device]


def load(path: Path, probe: Probe | None = None) -> Configuration:
    """Raises one Misconfigured with a line `file:line: path: problem; what to do` a mistake."""
    configuration, mistakes = examine(path, probe)
    if configuration is None:
        raise refusal(path, mistakes)
    return configuration


def refusal(path: Path, mistakes: Sequence[Mistake]) -> Misconfigured:
    """All of them in one error."""
    report = "\n".join(map(str, mistakes)).replace("{", "{{").replace("}", "}}")
    return Misconfigured(
        report,
        hint="edit {file}, then: fieldgate check {path}",
        file=mistakes[0].file,
        path=path,
    )


def examine(
    path: Path, probe: Probe | None = None
) -> tuple[Configuration | None, tuple[Mistake, ...]]:
    """The configuration, or every mistake in it, by file and line."""
    document = read_document(path)
    if isinstance(document, list):
        return None, in_order(document)
    mistakes: list[Mistake] = []
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        mistakes += explain(error, document, Settings)
    parts = _parts(document)
    judged = list(judge_devices(parts, probe))
    mistakes += [mistake for one in judged for mistake in one.mistakes]
    mistakes += cross_checks(parts)
    mistakes += space_checks(parts, judged)
    mistakes += file_checks(parts)
    if mistakes or settings is None:
        return None, in_order(mistakes)
    return _configuration(settings, parts, judged), ()


def _configuration(settings: Settings, parts: Parts, judged: Sequence[Judged]) -> Configuration:
    return Configuration(
        settings,
        tuple(one.device for one in judged if one.device),
        tuple(one.spec for one in judged if one.spec),
        parts.document.files,
        {device.id: _place(parts.document, at) for at, device in parts.devices.items()},
    )


def _place(document: Document, position: int) -> str:
    file, line = document.place(("devices", position))
    return f"{file}:{line}"


def _parts(document: Document) -> Parts:
    """Each entry is validated by itself, so that one bad entry hides no other's mistakes."""
    devices = _entries(document.data.get("devices"))
    uplinks = _entries(document.data.get("uplinks"))
    return Parts(
        document,
        dict(_valid(DeviceSettings, devices)),
        dict(_valid(UplinkSettings, uplinks)),
        dict(_valid(WireSettings, _named(document.data.get("wires")))),
        dict(_valid(SpaceSettings, _named(document.at(("parking", "spaces"))))),
    )


def _entries(value: Any) -> dict[int, Any]:
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _named(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _valid(model: type[M], entries: Mapping[Any, Any]) -> Iterator[tuple[Any, M]]:
    for place, written in entries.items():
        try:
            yield place, model.model_validate(written)
        except ValidationError:
            continue  # told when the whole was validated
