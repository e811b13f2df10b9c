"""The configuration as JSON Schema (draft 2020-12), for editors: `fieldgate check --schema`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agent.config.schema import Settings
from agent.config.words import duration, size
from agent.contract import DriverSpec, Misconfigured
from agent.contract.settings import BYTES_PATTERN, SECONDS_PATTERN
from agent.registry import driver_named, driver_names

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SPELLED: Mapping[str, Callable[[float], str]] = {SECONDS_PATTERN: duration, BYTES_PATTERN: size}
_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}

Schema = dict[str, Any]


def schema() -> Schema:
    """Of a whole file. A device's keys depend on its driver; all installed ones are asked."""
    whole = Settings.model_json_schema()
    specs = list(_drivers())
    definitions = whole.pop("$defs")
    common = definitions.pop("DeviceSettings")
    for spec in specs:
        definitions |= _device(spec, common)
    definitions["Device"] = _any_device(specs)
    properties = whole["properties"]
    properties["devices"]["items"] = {"$ref": "#/$defs/Device"}
    whole["properties"] = {name: _or_empty(section) for name, section in properties.items()}
    for part in _parts([whole, *definitions.values()]):
        _as_written(part)
    return {"$schema": DIALECT, **whole, "title": "fieldgate", "$defs": definitions}


def _drivers() -> Iterator[DriverSpec]:
    for name in driver_names():
        try:
            yield driver_named(name)
        except Misconfigured:
            continue  # a broken package: its devices are described by their common keys


def _any_device(specs: list[DriverSpec]) -> Schema:
    return {
        "type": "object",
        "required": ["id", "driver"],
        "properties": {"driver": {"enum": driver_names()}},
        "allOf": [
            {
                "if": {"properties": {"driver": {"const": spec.name}}, "required": ["driver"]},
                "then": {"$ref": f"#/$defs/{spec.name}"},
            }
            for spec in specs
        ],
    }


def _device(spec: DriverSpec, common: Schema) -> dict[str, Schema]:
    """The definition of a device of that driver, and those that it refers to."""
    own = spec.settings.model_json_schema(ref_template=f"#/$defs/{spec.name}.{{model}}")
    inner = own.pop("$defs", {})
    driver = {"const": spec.name, "description": spec.summary}
    required = [*common["required"], *own.get("required", [])]
    if spec.wired:
        required.append("wire")
    device = {
        "type": "object",
        "properties": {**own.get("properties", {}), **common["properties"], "driver": driver},
        "required": required,
        "additionalProperties": spec.settings.model_config.get("extra") == "allow",
    }
    return {spec.name: device} | {f"{spec.name}.{name}": part for name, part in inner.items()}


def _or_empty(section: Schema) -> Schema:
    """A section whose settings are all in comments is null to YAML."""
    description = section.pop("description", "")
    return {"description": description, "anyOf": [section, {"type": "null"}]}


def _parts(values: list[Any]) -> Iterator[Schema]:
    """Every schema in it, from the outside in; `properties` names schemas and is none."""
    for value in values:
        if isinstance(value, dict):
            yield value
            for key, inner in value.items():
                yield from _parts(list(inner.values()) if key == "properties" else [inner])
        elif isinstance(value, list):
            yield from _parts(value)


def _as_written(part: Schema) -> None:
    """Durations and sizes with units, yes and no; no titles and defaults that say nothing."""
    if part.get("type") == "boolean":
        del part["type"]
        part["enum"] = [True, False, "yes", "no", "on", "off"]
    if isinstance(part.get("title"), str):
        del part["title"]
    spell = _spelling(part)
    if spell is not None:
        _spell(part, spell)
    if isinstance(part.get("default"), dict | list) or part.get("default", "") is None:
        del part["default"]


def _spelling(part: Schema) -> Callable[[float], str] | None:
    """How numbers are written here, where that is not plainly."""
    for one in (part, *part.get("anyOf", ())):
        pattern = one.get("pattern") if isinstance(one, dict) else None
        if isinstance(pattern, str) and pattern in _SPELLED:
            return _SPELLED[pattern]
    return None


def _spell(part: Schema, spell: Callable[[float], str]) -> None:
    if isinstance(part.get("default"), int | float):
        part["default"] = spell(part["default"])
    limits = [f"{words} {spell(part.pop(key))}" for key, words in _LIMITS.items() if key in part]
    if limits:
        text = f"{part.get('description', '')} {', '.join(limits).capitalize()}."
        part["description"] = text.strip()
