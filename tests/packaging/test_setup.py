"""Setting up on a machine that lacks something ends with what to do, not with a traceback."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Stand-ins for python3: each answers the questions that .ci/setup asks.
OLD = 'case "$*" in *version_info*) exit 1 ;; -V) echo Python 3.9.2 ;; esac'
WITHOUT_VENV = 'case "$*" in *ensurepip*) exit 1 ;; esac'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As cloned: no .venv yet."""
    for name in (".ci", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def set_up(checkout: Path, python: str, what: str = "base") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / ".ci" / "setup", what],
        env={**os.environ, "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )


def stand_in(checkout: Path, script: str) -> str:
    file = checkout / "python"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize(
    ("script", "said", "cure"),
    [
        (OLD, "fieldgate needs Python 3.11 or later", "make PYTHON="),
        (WITHOUT_VENV, "cannot make a virtual environment", "sudo apt install python3-venv"),
    ],
    ids=["old", "without venv"],
)
def test_a_python_that_will_not_do_is_said(
    checkout: Path, script: str, said: str, cure: str
) -> None:
    done = set_up(checkout, stand_in(checkout, script))
    assert done.returncode == 1
    assert said in done.stderr
    assert cure in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_missing_python_is_said(checkout: Path) -> None:
    done = set_up(checkout, "python-of-nowhere")
    assert done.returncode == 1
    assert "python-of-nowhere is missing; next: sudo apt install python3" in done.stderr


def test_what_can_be_set_up_is_said(checkout: Path) -> None:
    done = set_up(checkout, "python3", "everything")
    assert done.returncode == 1
    assert "usage: .ci/setup base|vision|dev" in done.stderr
