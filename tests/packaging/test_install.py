"""The installer: versions side by side, a link that moves, nothing of the technician's touched."""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def release(tmp_path: Path, wheel: Path) -> Callable[[str], Path]:
    """The wheel as if it were of another version."""

    def make(version: str, note: bytes = b"") -> Path:
        copy = tmp_path / f"fieldgate-{version}-py3-none-any.whl"
        shutil.copy(wheel, copy)
        with zipfile.ZipFile(copy, "a") as opened:
            opened.comment = version.encode() + note
        return copy

    return make


def in_use(root: Path) -> str:
    return str((root / "opt/fieldgate/current").readlink())


def test_all_that_the_system_reads_is_laid_out(staged: Path) -> None:
    files = {str(f.relative_to(staged)) for f in staged.rglob("*") if not f.is_dir()}
    assert {
        "etc/fieldgate/gateway.yaml",
        "usr/local/bin/fieldgate",
        "usr/local/sbin/fieldgate-install",
        "usr/local/lib/systemd/system/fieldgate.service",
        "usr/local/lib/systemd/journald.conf.d/50-fieldgate.conf",
        "usr/local/lib/sysusers.d/fieldgate.conf",
        "usr/local/lib/tmpfiles.d/fieldgate.conf",
        "usr/local/lib/udev/rules.d/70-fieldgate.rules",
    } <= files
    command = staged / "usr/local/bin/fieldgate"
    assert str(command.readlink()) == "/opt/fieldgate/current/bin/fieldgate"
    installer = staged / "opt/fieldgate/current/share/fieldgate/systemd/fieldgate-install"
    assert os.access(installer, os.X_OK)


def test_nothing_below_var_is_touched(staged: Path) -> None:
    assert not (staged / "var").exists()


def test_the_same_wheel_twice_is_once(staged: Path, wheel: Path, install: Install) -> None:
    before = in_use(staged)
    assert install(wheel).returncode == 0
    assert in_use(staged) == before
    assert not (staged / "opt/fieldgate/previous").exists()


def test_the_technicians_configuration_is_left_alone(
    staged: Path, install: Install, release: Callable[..., Path]
) -> None:
    config = staged / "etc/fieldgate/gateway.yaml"
    config.write_text("gateway: {id: greenhouse-7}\n")
    assert install(release("9.0.0")).returncode == 0
    assert config.read_text() == "gateway: {id: greenhouse-7}\n"


def test_a_rollback_takes_the_unit_back_too(
    staged: Path, install: Install, release: Callable[..., Path]
) -> None:
    first = in_use(staged)
    unit = staged / "usr/local/lib/systemd/system/fieldgate.service"
    install(release("9.0.0"))
    unit.write_text("the unit of 9.0.0")
    assert in_use(staged) == "9.0.0"
    assert install("--rollback").returncode == 0
    assert in_use(staged) == first
    assert "ExecStart=" in unit.read_text()
    assert install("--rollback").returncode == 0
    assert in_use(staged) == "9.0.0"


def test_a_rollback_may_name_its_version(
    root: Path, install: Install, release: Callable[..., Path]
) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        install(release(version))
    assert install("--rollback", "1.0.0").returncode == 0
    assert in_use(root) == "1.0.0"


def test_with_nothing_to_go_back_to_it_says_so(staged: Path, install: Install) -> None:
    for words in (["--rollback"], ["--rollback", "7.7.7"]):
        done = install(*words)
        assert done.returncode == 1
        assert "no version to go back to" in done.stderr


def test_another_build_of_a_version_stands_beside_it(
    root: Path, install: Install, release: Callable[..., Path]
) -> None:
    install(release("1.0.0", b"monday"))
    install(release("1.0.0", b"tuesday"))
    assert in_use(root) == "1.0.0.2"
    assert "1.0.0  before" in install("--list").stdout


def test_the_last_three_versions_are_kept(
    root: Path, install: Install, release: Callable[..., Path]
) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"):
        install(release(version))
    kept = {f.name for f in (root / "opt/fieldgate").iterdir() if not f.is_symlink()}
    assert kept == {"1.2.0", "1.3.0", "1.4.0"}
    assert install("--list").stdout == "1.4.0  in use\n1.3.0  before\n1.2.0\n"


def test_a_broken_wheel_changes_nothing(staged: Path, tmp_path: Path, install: Install) -> None:
    before = in_use(staged)
    broken = tmp_path / "fieldgate-6.6.6-py3-none-any.whl"
    broken.write_bytes(b"half a download")
    assert install(broken).returncode != 0
    assert in_use(staged) == before
    assert not (staged / "opt/fieldgate/6.6.6").exists()


@pytest.mark.parametrize("words", [[], ["no-such.whl"], ["--nonsense"]])
def test_wrong_words_are_answered_with_the_right_ones(install: Install, words: list[str]) -> None:
    done = install(*words)
    assert done.returncode == 64
    assert "fieldgate-install --rollback" in done.stderr
