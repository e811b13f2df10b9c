"""Units in profiles: what people write, and what is meant."""

from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from agent.contract.settings import _MISSPELT, Unit
from agent.paths import share

UNITS = TypeAdapter[str](Unit)


@pytest.fixture(scope="module")
def vocabulary() -> Any:
    file = share() / "configs" / "units.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))["units"]


def test_units_of_the_vocabulary_are_taken(vocabulary: Any) -> None:
    assert [UNITS.validate_python(unit) for unit in vocabulary] == list(vocabulary)


@pytest.mark.parametrize("written", sorted(_MISSPELT))
def test_a_unit_that_is_written_as_people_do_is_told_in_ucum(written: str, vocabulary: Any) -> None:
    meant = _MISSPELT[written]
    assert meant in vocabulary
    with pytest.raises(ValidationError, match="units are written in UCUM"):
        UNITS.validate_python(written)


def test_a_unit_that_nobody_knows_here_is_taken() -> None:
    assert UNITS.validate_python("g/kg") == "g/kg"
