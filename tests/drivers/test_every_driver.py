"""What every driver owes: an entry point, a README that names its settings, tests."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from pydantic import BaseModel

from agent.contract import DriverSpec
from agent.registry import GROUP

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(p.parent.name for p in (ROOT / "drivers").glob("*/driver.py"))
OURS = [point for point in entry_points(group=GROUP) if point.value.startswith("drivers.")]


def fields(model: type[BaseModel]) -> Iterator[tuple[str, str | None]]:
    """(name, description) of the settings, and of what is nested in them."""
    for name, field in model.model_fields.items():
        yield name, field.description
        for inner in nested(field.annotation):
            yield from fields(inner)


def nested(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from nested(argument)


def test_there_are_drivers() -> None:
    assert {"modbus", "simulated"} <= set(FOLDERS)


@pytest.mark.parametrize("name", FOLDERS)
def test_is_installed(name: str) -> None:
    assert name in {point.name for point in OURS}, "add it to pyproject.toml and install again"


@pytest.mark.parametrize("point", OURS, ids=lambda point: point.name)
def test_its_spec_is_complete(point: EntryPoint) -> None:
    spec = point.load()
    assert isinstance(spec, DriverSpec)
    assert spec.name == point.name
    assert spec.summary


@pytest.mark.parametrize("point", OURS, ids=lambda point: point.name)
def test_documents_every_setting(point: EntryPoint) -> None:
    spec: DriverSpec = point.load()
    readme = (ROOT / "drivers" / point.name / "README.md").read_text(encoding="utf-8")
    missing = [name for name, _ in fields(spec.settings) if f"`{name}`" not in readme]
    assert missing == []


@pytest.mark.parametrize("point", OURS, ids=lambda point: point.name)
def test_describes_every_setting_to_editors(point: EntryPoint) -> None:
    spec: DriverSpec = point.load()
    assert [name for name, text in fields(spec.settings) if not text] == []


@pytest.mark.parametrize("name", FOLDERS)
def test_has_tests(name: str) -> None:
    assert list((ROOT / "tests" / "drivers" / name).glob("test_*.py"))


@pytest.mark.parametrize("point", OURS, ids=lambda point: point.name)
def test_naming_a_driver_loads_no_protocol_library(point: EntryPoint) -> None:
    """The settings are needed to check a configuration; libraries only where a device is made."""
    heavy = "{'pymodbus', 'yaml', 'serial', 'bleak', 'cv2', 'onnxruntime', 'numpy'}"
    code = f"import sys, {point.module}; sys.exit(str(({heavy} & set(sys.modules)) or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
