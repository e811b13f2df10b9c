"""Secrets and certificates: there, readable, and nobody else's business."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config import files
from agent.config.files import fault
from agent.config.load import load

Write = Callable[[str | bytes], Path]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    file.chmod(0o640)
    return file


def test_a_secret_of_the_service_alone_is_fine(secret: Path) -> None:
    assert fault(secret, secret=True) == ""


@pytest.mark.parametrize("mode", [0o644, 0o642, 0o641])
def test_a_secret_that_everybody_can_open_is_refused(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    assert "everybody on this machine" in fault(secret, secret=True)
    assert fault(secret, secret=False) == ""


def test_a_file_that_is_not_there_is_told_without_its_name(tmp_path: Path) -> None:
    said = fault(tmp_path / "hunter2", secret=True)
    assert said == "the file named here is not there; create it, or correct the path"


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    assert "is not a file" in fault(tmp_path, secret=True)


def test_a_relative_path_is_refused_without_repeating_it() -> None:
    assert "into that file the secret" in fault(Path("hunter2"), secret=True)
    assert fault(Path("ca.pem"), secret=False) == "write the whole path of the file, from / on"


def test_a_path_that_cannot_be_followed_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be read (Too many levels" in fault(tmp_path / "loop", secret=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_file_of_somebody_else_is_told(tmp_path: Path) -> None:
    """As the service's user would see it."""
    file = Path("/tmp") / f"fieldgate-test-{os.getpid()}"  # noqa: S108  tmp_path is root's alone
    file.write_text("hunter2")
    file.chmod(0o600)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(65534)
        os.write(writing, fault(file, secret=True).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    said = os.read(reading, 1000).decode()
    os.close(reading)
    file.unlink()
    assert said.startswith("the file named here may not be read; let the user fieldgate read it")


def test_what_systemd_hands_over_is_looked_at_only_in_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CREDENTIALS", tmp_path)
    credential = tmp_path / "fieldgate.service" / "mqtt"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert fault(credential, secret=True) == ""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credential.parent))
    assert "is not there" in fault(credential, secret=True)
    credential.parent.mkdir()
    credential.touch(0o440)
    assert fault(credential, secret=True) == ""


def test_every_file_of_an_uplink_is_looked_at(write: Write, sound: str, tmp_path: Path) -> None:
    load(write(sound))
    for name, line in (("password", 44), ("ca", 45), ("cert", 45), ("key", 45)):
        (tmp_path / name).rename(tmp_path / "away")
        with pytest.raises(Exception, match=f"gateway.yaml:{line}: uplinks.0.*is not there"):
            load(write(sound))
        (tmp_path / "away").rename(tmp_path / name)
