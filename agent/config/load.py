"""Find, parse and validate the configuration."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agent.config.checks import Parts, cross_checks
from agent.config.document import Document
from agent.config.files import file_checks
from agent.config.include import read_document
from agent.config.mistake import KeyPath, Mistake, in_order
from agent.config.names import field_names, unknown
from agent.config.report import explain
from agent.config.schema import DeviceSettings, Settings, UplinkSettings, WireSettings
from agent.contract import Device, DriverSpec, Misconfigured
from agent.i18n import hint, message
from agent.registry import driver_named

Probe = Callable[[DriverSpec, Device], None]
"""Asked about each valid device; raises Misconfigured. `check` makes the driver in it."""

_COMMON = frozenset(field_names(DeviceSettings))
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
        raise Misconfigured(
            "{mistakes}",
            hint="edit {file}, then: fieldgate check {path}",
            mistakes="\n".join(map(str, mistakes)),
            file=mistakes[0].file,
            path=path,
        )
    return configuration


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
    devices, specs = _drivers(parts, probe, mistakes)
    mistakes += cross_checks(parts)
    mistakes += file_checks(parts)
    if mistakes or settings is None:
        return None, in_order(mistakes)
    places = {device.id: _place(document, at) for at, device in parts.devices.items()}
    return Configuration(settings, devices, specs, document.files, places), ()


def _place(document: Document, position: int) -> str:
    file, line = document.place(("devices", position))
    return f"{file}:{line}"


def _parts(document: Document) -> Parts:
    """Each entry is validated by itself, so that one bad entry hides no other's mistakes."""
    devices = _entries(document.data.get("devices"))
    uplinks = _entries(document.data.get("uplinks"))
    wires = document.data.get("wires")
    return Parts(
        document,
        dict(_valid(DeviceSettings, devices)),
        dict(_valid(UplinkSettings, uplinks)),
        dict(_valid(WireSettings, wires if isinstance(wires, dict) else {})),
    )


def _entries(value: Any) -> dict[int, Any]:
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _valid(model: type[M], entries: Mapping[Any, Any]) -> Iterator[tuple[Any, M]]:
    for place, written in entries.items():
        try:
            yield place, model.model_validate(written)
        except ValidationError:
            continue  # told when the whole was validated


def _drivers(
    parts: Parts, probe: Probe | None, mistakes: list[Mistake]
) -> tuple[tuple[Device, ...], tuple[DriverSpec, ...]]:
    """Each driver judges what its devices say beside the common keys, where it is written."""
    found: list[tuple[Device, DriverSpec]] = []
    for at, written in _entries(parts.document.data.get("devices")).items():
        if not isinstance(written, dict):
            continue
        spec = _spec(parts.document, at, written, mistakes)
        if spec is None:
            continue
        wrong = list(_option_mistakes(parts.document, at, written, spec))
        mistakes += wrong
        settings = parts.devices.get(at)
        if settings is not None and not wrong:
            device = _device(settings)
            found.append((device, spec))
            if probe is not None:
                mistakes += _probed(parts.document, at, device, spec, probe)
    return tuple(device for device, _ in found), tuple(spec for _, spec in found)


def _spec(
    document: Document, at: int, written: Mapping[str, Any], mistakes: list[Mistake]
) -> DriverSpec | None:
    name = written.get("driver")
    if not isinstance(name, str):
        mistakes += _near_names(document, at, written)
        return None
    try:
        return driver_named(name)
    except Misconfigured as error:
        mistakes.append(document.mistake(("devices", at, "driver"), _spoken(error)))
        return None


def _near_names(document: Document, at: int, written: Mapping[str, Any]) -> Iterator[Mistake]:
    """Without a driver, only a misspelt common key can be told from a driver's own."""
    from difflib import get_close_matches

    for key in written:
        missing = _COMMON - set(written)
        if key not in _COMMON and get_close_matches(key.lower(), missing, n=1, cutoff=0.75):
            yield document.mistake(("devices", at, key), unknown(key, missing), key=True)


def _option_mistakes(
    document: Document, at: int, written: Mapping[str, Any], spec: DriverSpec
) -> Iterator[Mistake]:
    here: KeyPath = ("devices", at)
    options = {key: value for key, value in written.items() if key not in _COMMON}
    try:
        spec.settings.model_validate(options)
    except ValidationError as error:
        yield from explain(error, document, spec.settings, here, _COMMON)
    except Misconfigured as error:
        yield document.mistake(here, _spoken(error))
    names = set(field_names(spec.settings))
    if spec.settings.model_config.get("extra", "ignore") == "ignore":
        for key in options.keys() - names:
            yield document.mistake((*here, key), unknown(key, names | _COMMON), key=True)


def _device(settings: DeviceSettings) -> Device:
    """Options stay as they are written: the driver's model reads them again."""
    return Device(
        settings.id,
        settings.driver,
        settings.every,
        settings.wire or "",
        settings.name,
        settings.place,
        settings.options,
    )


def _probed(
    document: Document, at: int, device: Device, spec: DriverSpec, probe: Probe
) -> Iterator[Mistake]:
    try:
        probe(spec, device)
    except Misconfigured as error:
        told = set(map(str, error.values.values()))
        at_fault = (key for key, value in device.options.items() if str(value) in told)
        where: KeyPath = ("devices", at, *list(at_fault)[:1])
        yield document.mistake(where, _spoken(error))


def _spoken(error: Misconfigured) -> str:
    return "; ".join(filter(None, (message(error), hint(error))))
