"""A real control socket in a folder that any account may reach."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def socket_path() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fieldgate-"))
    folder.chmod(0o755)
    yield folder / "control.sock"
    shutil.rmtree(folder)
