"""Files beside the configuration: read against a model, with mistakes told as those of its own."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from agent.config.document import Document
from agent.config.mistake import Mistake, in_order
from agent.config.report import explain
from agent.config.source import read_source
from agent.contract import Misconfigured

M = TypeVar("M", bound=BaseModel)


def read_beside(file: Path, model: type[M]) -> M:
    """Raises Misconfigured, with a line `file:line: path: problem; what to do` a mistake."""
    source = read_source(file)
    if isinstance(source, list):
        raise _refusal(file, source)
    document = Document(source, source.data, (), {}, (file,))
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        raise _refusal(file, list(explain(error, document, model))) from error


def _refusal(file: Path, mistakes: list[Mistake]) -> Misconfigured:
    report = "\n".join(map(str, in_order(mistakes))).replace("{", "{{").replace("}", "}}")
    return Misconfigured(
        report,
        hint="edit {file}; a running service takes it with: systemctl reload fieldgate",
        file=file,
    )
