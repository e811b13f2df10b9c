"""A device's profile is judged like the configuration: every mistake with its file and line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.config.document import Document
from agent.config.mistake import Mistake, in_order
from agent.config.report import explain
from agent.config.source import Source, read_source
from agent.contract import Device, DriverSpec, Misconfigured
from agent.paths import profile


def profile_mistakes(spec: DriverSpec, device: Device) -> Iterator[Mistake]:
    """None where the driver has no profiles, or the device names one that does not exist: that is
    the driver's to say."""
    name: Any = device.options.get("profile")
    if spec.profile is None or not isinstance(name, str):
        return
    try:
        file = profile(spec.name, name)
    except Misconfigured:
        return
    yield from in_order(list(_judged(file, spec.profile)))


def _judged(file: Path, model: type[BaseModel]) -> Iterator[Mistake]:
    source = read_source(file)
    if not isinstance(source, Source):
        yield from source
        return
    document = Document(source, source.data, (), {}, (file,))
    try:
        model.model_validate(source.data)
    except ValidationError as error:
        yield from explain(error, document, model)
