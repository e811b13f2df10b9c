"""What devices say beside the common keys: each driver judges it, where it is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from agent.config.checks import Parts
from agent.config.document import Document
from agent.config.mistake import KeyPath, Mistake
from agent.config.names import field_names, unknown
from agent.config.profiles import profile_mistakes
from agent.config.report import explain, named_keys
from agent.config.schema import DeviceSettings
from agent.contract import Device, DriverSpec, Misconfigured, PolledDriver, StreamingDriver
from agent.i18n import hint, message, say
from agent.registry import driver_named

Probe = Callable[[DriverSpec, Device], PolledDriver | StreamingDriver | None]
"""Asked about each valid device; makes its driver, whose points spaces are held against. Raises
Misconfigured. None: whatever is said of the device's points is believed."""

_Profiles = dict[tuple[str, str], tuple[Mistake, ...]]
"""Driver and name of those that were read already: reading one takes longer than all else."""

COMMON = frozenset(field_names(DeviceSettings))


@dataclass(frozen=True, slots=True)
class Judged:
    """One entry of `devices:`; with its driver where that is known, whole where it is valid."""

    mistakes: tuple[Mistake, ...]
    spec: DriverSpec | None = None
    device: Device | None = None
    driver: PolledDriver | StreamingDriver | None = None


def judge_devices(parts: Parts, probe: Probe | None) -> Iterator[Judged]:
    entries = parts.document.data.get("devices")
    profiles: _Profiles = {}
    for at, written in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(written, dict):
            entry = _Entry(parts.document, at, written, profiles)
            yield entry.judged(parts.devices.get(at), probe)


@dataclass(frozen=True, slots=True)
class _Entry:
    document: Document
    at: int
    written: Mapping[str, Any]
    profiles: _Profiles

    def judged(self, settings: DeviceSettings | None, probe: Probe | None) -> Judged:
        name = self.written.get("driver")
        if not isinstance(name, str):
            return Judged(tuple(self._near_names()))
        try:
            spec = driver_named(name)
        except Misconfigured as error:
            return Judged((self._mistake(spoken(error), "driver"),))
        mistakes = (*self._option_mistakes(spec), *self._profile_mistakes(spec))
        if mistakes or settings is None:
            return Judged(mistakes, spec)
        return self._probed(spec, _device(settings), probe)

    def _near_names(self) -> Iterator[Mistake]:
        """Without a driver, only a misspelt common key can be told from a driver's own."""
        missing = COMMON - set(self.written)
        for key in self.written.keys() - COMMON:
            if get_close_matches(key.lower(), missing, n=1, cutoff=0.75):
                yield self._mistake(unknown(key, missing), key, key=True)

    def _option_mistakes(self, spec: DriverSpec) -> Iterator[Mistake]:
        options = {key: value for key, value in self.written.items() if key not in COMMON}
        try:
            spec.settings.model_validate(options)
        except ValidationError as error:
            here: KeyPath = ("devices", self.at)
            yield from explain(error, self.document, spec.settings, here, COMMON)
        except Misconfigured as error:
            yield self._mistake(spoken(error))
        if spec.settings.model_config.get("extra", "ignore") == "ignore":
            names = {*field_names(spec.settings)}
            for key in options.keys() - names:
                yield self._mistake(unknown(key, names | COMMON), key, key=True)

    def _profile_mistakes(self, spec: DriverSpec) -> Sequence[Mistake]:
        name = self.written.get("profile")
        if not isinstance(name, str):
            return ()
        if (spec.name, name) not in self.profiles:
            try:
                self.profiles[spec.name, name] = tuple(profile_mistakes(spec, name))
            except Misconfigured as error:
                return (self._mistake(spoken(error), "profile"),)
        return self.profiles[spec.name, name]

    def _probed(self, spec: DriverSpec, device: Device, probe: Probe | None) -> Judged:
        if spec.wired and not device.wire:
            mistake = self._mistake(say("needs a wire; add `wire:`, naming one of `wires:`"))
            return Judged((mistake,), spec, device)
        try:
            driver = probe(spec, device) if probe is not None else None
        except Misconfigured as error:
            mistake = self._mistake(spoken(error), *self._blamed(error))
            return Judged((mistake,), spec, device)
        return Judged((), spec, device, driver)

    def _blamed(self, error: Misconfigured) -> list[str]:
        """The key that the error names, else the one whose value it names."""
        told = set(map(str, error.values.values()))
        named = named_keys(error.hint_template + error.template)
        by_name = [key for key in named if key in self.written]
        by_value = [key for key, value in self.written.items() if str(value) in told]
        return [*by_name, *by_value][:1]

    def _mistake(self, words: str, *keys: str, key: bool = False) -> Mistake:
        return self.document.mistake(("devices", self.at, *keys), words, key=key)


def _device(settings: DeviceSettings) -> Device:
    return Device(
        settings.id,
        settings.driver,
        settings.every,
        settings.wire or "",
        settings.name,
        settings.place,
        settings.options,
    )


def spoken(error: Misconfigured) -> str:
    """Problem and remedy, in the language of this process."""
    words, todo = message(error), hint(error)
    between = " " if words.endswith("?") else "; "
    return f"{words}{between}{todo}" if todo else words
