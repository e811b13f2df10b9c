"""What is handed to systemd, as systemd itself sees it in a staged root.

`systemd-analyze verify` leaves with 0 on a typo, so any word that it prints is a failure.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
UNIT = (SYSTEMD / "fieldgate.service").read_text(encoding="utf-8")
SYSTEM_UNITS = Path("/usr/lib/systemd/system")
EXPOSURE = 20  # of 100: 2.0 in what systemd-analyze prints

analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a staged account needs root")


def setting(name: str) -> list[str]:
    """All words that the unit gives a setting."""
    lines = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return [word for line in lines for word in line.split()]


@pytest.fixture
def system(staged: Path) -> Path:
    """The staged root with the system's own units, and the programs that ours names."""
    shutil.copytree(SYSTEM_UNITS, staged / SYSTEM_UNITS.relative_to("/"), symlinks=True)
    (staged / "bin").mkdir()
    shutil.copy(shutil.which("kill") or "/bin/kill", staged / "bin/kill")
    return staged


def verify(root: Path) -> str:
    """All that systemd-analyze has to say about the unit."""
    command = ["systemd-analyze", f"--root={root}", "verify", "fieldgate.service"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


@analyze
def test_systemd_has_no_word_to_say_about_the_unit(system: Path) -> None:
    assert verify(system) == ""


@analyze
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("WatchdogSec=30", "WatchDogSec=30"),
        ("ProtectSystem=strict", "ProtectSystem=stric"),
        ("ExecStart=/opt/fieldgate/current/bin/fieldgate", "ExecStart=/opt/fieldgate/bin/nobody"),
    ],
)
def test_that_check_would_hear_a_mistake(system: Path, right: str, wrong: str) -> None:
    unit = system / "usr/local/lib/systemd/system/fieldgate.service"
    unit.write_text(UNIT.replace(right, wrong))
    assert verify(system) != ""


@analyze
def test_the_unit_is_sandboxed() -> None:
    command = [
        "systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager",
        str(SYSTEMD / "fieldgate.service"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


def test_serial_ports_and_cameras_can_be_opened() -> None:
    allowed = setting("DeviceAllow")
    # Documentation/admin-guide/devices.txt of Linux: 188 ttyUSB, 166 ttyACM, 81 video4linux
    for device in ("char-ttyS", "char-ttyAMA", "char-188", "char-166", "char-81"):
        assert device in allowed
    assert {"dialout", "video", "bluetooth"} <= set(setting("SupplementaryGroups"))
    assert "PrivateDevices" not in UNIT.split("# Not PrivateUsers")[0]


def test_the_state_of_the_clock_can_be_read_but_not_set() -> None:
    assert "ProtectClock=yes\n" not in UNIT
    assert {"adjtimex", "clock_adjtime"} <= set(setting("SystemCallFilter"))
    assert setting("CapabilityBoundingSet") == []


def test_vision_reports_to_nobody() -> None:
    assert "ORT_DISABLE_TELEMETRY=1" in setting("Environment")


def test_every_group_that_the_unit_joins_is_made() -> None:
    lines = (SYSTEMD / "fieldgate.sysusers").read_text().splitlines()
    made = {line.split()[1] for line in lines if line[:2] in {"g ", "u "}}
    joined = {*setting("SupplementaryGroups"), *setting("User"), *setting("Group")}
    assert joined <= made
    assert "fieldgate-write" in made


@as_root
@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="no systemd-sysusers")
def test_accounts_and_folders_are_made_as_written(staged: Path) -> None:
    for tool in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        command = [*tool, f"--root={staged}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "fieldgate.conf" not in said, said
    passwd = (staged / "etc/passwd").read_text()
    assert re.search(r"^fieldgate:.*:/var/lib/fieldgate:/usr/sbin/nologin$", passwd, re.MULTILINE)
    assert "fieldgate-write:" in (staged / "etc/group").read_text()
    assert (staged / "etc/fieldgate/secrets").stat().st_mode & 0o777 == 0o700
    assert (staged / "var/lib/fieldgate").stat().st_mode & 0o777 == 0o750


@analyze
def test_the_journal_is_told_to_spare_the_card(staged: Path) -> None:
    command = ["systemd-analyze", f"--root={staged}", "cat-config", "systemd/journald.conf"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "SyncIntervalSec=15min" in done.stdout


@pytest.mark.skipif(not Path("/etc/systemd/journald.conf").exists(), reason="no journald here")
def test_journald_knows_every_setting_that_it_is_given() -> None:
    comments = Path("/etc/systemd/journald.conf").read_text(encoding="utf-8")
    ours = (SYSTEMD / "50-fieldgate-journal.conf").read_text(encoding="utf-8")
    known = set(re.findall(r"^#?(\w+)=", comments, re.MULTILINE))
    given = re.findall(r"^(\w+)=", ours, re.MULTILINE)
    assert given
    assert set(given) <= known


def test_udev_rules_are_well_formed() -> None:
    """udevadm is not everywhere: each term is KEY or KEY{attribute}, an operator, a text."""
    term = re.compile(r'[A-Z_]+(\{[A-Za-z_./]+\})?(==|!=|=|\+=|:=)"[^"]*"')
    lines = (SYSTEMD / "70-fieldgate.rules").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules
    for rule in rules:
        assert all(term.fullmatch(part.strip()) for part in rule.split(",")), rule
    jumps = set(re.findall(r'GOTO="(\w+)"', "\n".join(rules)))
    assert jumps == set(re.findall(r'LABEL="(\w+)"', "\n".join(rules)))
