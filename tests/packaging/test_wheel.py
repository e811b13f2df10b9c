"""What is handed out: one wheel that holds all of it, and nothing twice."""

import importlib.metadata
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("agent", "drivers", "tests", "benchmarks", "hw-tests")
DATA = ("models", "configs", "systemd")
LONGEST = 350  # lines
HEAVY = {
    "amqtt", "asyncio", "paho", "prometheus_client", "pydantic", "pymodbus", "serial",
    "sqlite3", "sqlite_utils", "ssl", "tenacity", "yaml",
}  # fmt: skip


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def shared(names: set[str]) -> set[str]:
    """Files that land below share/fieldgate."""
    mark = ".data/data/share/fieldgate/"
    return {name.split(mark)[1] for name in names if mark in name}


def test_data_lands_in_share(names: set[str]) -> None:
    files = shared(names)
    assert {
        "configs/gateway.example.yaml", "systemd/fieldgate.service", "systemd/fieldgate-install",
        "requirements/base.txt", "requirements/vision.txt", "requirements/ble.txt",
    } <= files  # fmt: skip
    assert any(name.startswith("configs/profiles/modbus/") for name in files)
    assert any(name.startswith("models/") for name in files)


def test_every_data_file_of_the_tree_is_in_it(names: set[str]) -> None:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", *DATA]
    tracked = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    assert set(filter(None, tracked)) <= shared(names)


def test_the_catalogue_of_languages_is_in_it(names: set[str]) -> None:
    assert "agent/i18n/zh.json" in names


def test_nothing_else_is_installed_beside_the_code(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.startswith("fieldgate-")} == {"agent", "drivers"}


def test_the_command_and_the_drivers_are_found_by_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        name = next(n for n in opened.namelist() if n.endswith("entry_points.txt"))
        text = opened.read(name).decode()
    assert "fieldgate = agent.__main__:main" in text
    assert "modbus = drivers.modbus:DRIVER" in text
    for point in importlib.metadata.entry_points(group="fieldgate.drivers"):
        assert point.load().name == point.name


@pytest.mark.parametrize("package", ["agent", "drivers"])
def test_exactly_one_of_each_package_is_reachable(package: str) -> None:
    """From a folder that has none of its own."""
    places = (
        "import importlib.util as u; "
        f"print(*u.find_spec({package!r}).submodule_search_locations, sep='\\n')"
    )
    out = subprocess.run(
        [sys.executable, "-c", places], capture_output=True, text=True, check=True, cwd="/"
    )
    assert out.stdout.splitlines() == [str(ROOT / package)]


@pytest.mark.parametrize("folder", DATA)
def test_data_folders_are_no_packages(folder: str) -> None:
    assert not list((ROOT / folder).rglob("__init__.py"))


def test_no_file_is_too_long_to_be_read() -> None:
    files = [f for folder in CODE for f in (ROOT / folder).rglob("*.py")]
    assert files
    long = {
        str(f.relative_to(ROOT)): lines
        for f in files
        if (lines := len(f.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from agent.cli.main import main; main(['--help']); "
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "fieldgate demo" in out.stdout
    assert set(out.stderr.split()) & HEAVY == set()
