"""A wheel of this very tree, and a root folder that it is staged in."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


Install = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Runs the installer on the staged root `tmp_path / "root"`, without packages."""

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [
            ROOT / "systemd" / "fieldgate-install", "--root", tmp_path / "root", "--no-venv", *words
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def staged(tmp_path: Path, wheel: Path, install: Install) -> Path:
    """The root folder with fieldgate installed in it."""
    done = install(wheel)
    assert done.returncode == 0, done.stderr
    return tmp_path / "root"
