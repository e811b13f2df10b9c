"""A device's profile is judged like the configuration: every mistake with its file and line."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError

from agent.config.document import Document
from agent.config.mistake import Mistake, in_order
from agent.config.report import explain
from agent.config.source import Source, read_source
from agent.contract import DriverSpec
from agent.paths import profile


def profile_mistakes(spec: DriverSpec, name: object) -> Iterator[Mistake]:
    """None where the driver has no profiles. Raises Misconfigured when none has that name."""
    if spec.profile is not None and isinstance(name, str):
        yield from in_order(list(_judged(profile(spec.name, name), spec.profile)))


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
