"""docs/adding-a-device.md and docs/simulate.md, followed literally."""

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.cli.main import COMMANDS
from agent.simulate.faulty import fault_of, fault_typed
from agent.simulate.script import DAYS, script_named
from drivers.modbus.decode import decode
from drivers.modbus.profile import load_profile

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "adding-a-device.md").read_text(encoding="utf-8")
SIMULATE = (ROOT / "docs" / "simulate.md").read_text(encoding="utf-8")

Typed = Callable[[str], "subprocess.CompletedProcess[str]"]


def block(text: str, beginning: str) -> str:
    """The first fenced block that begins so."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return next(str(found) for found in blocks if found.startswith(beginning))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A machine whose only profile is the guide's."""
    folder = tmp_path / "share" / "configs" / "profiles" / "modbus"
    folder.mkdir(parents=True)
    (folder / "acme-tx2.yaml").write_text(block(GUIDE, "title: Acme"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def env(site: Path) -> dict[str, str]:
    return {**os.environ, "FIELDGATE_SHARE": str(site / "share"), "FIELDGATE_LANG": "en"}


@pytest.fixture
def typed(site: Path, env: dict[str, str]) -> Typed:
    """A line of the guide, with its /tmp moved to where tests may write."""

    def run(line: str) -> "subprocess.CompletedProcess[str]":
        words = line.replace("/tmp/", f"{site}/").split()  # noqa: S108  the guide's
        assert words[0] == "fieldgate"
        return subprocess.run(
            [sys.executable, "-m", "agent", *words[1:]],
            env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def line_that(text: str, begins: str) -> str:
    return next(
        line.removeprefix("$ ")
        for line in text.splitlines()
        if begins in line and "fieldgate" in line
    )


def test_the_guide_leads_from_a_manual_page_to_readings(
    site: Path, env: dict[str, str], typed: Typed
) -> None:
    play = line_that(GUIDE, "$ fieldgate simulate").replace("/tmp/", f"{site}/")  # noqa: S108
    words = [sys.executable, "-m", "agent", *play.split()[1:]]
    with subprocess.Popen(
        words, env=env, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    ) as simulate:
        assert simulate.stdout
        said = [simulate.stdout.readline() for _ in range(6)]
        (site / "tx2.yaml").write_text("".join(said[2:]), encoding="utf-8")
        check = typed(line_that(GUIDE, "$ fieldgate check /tmp"))
        read = typed(line_that(GUIDE, "$ fieldgate read acme") + " --json")
        simulate.terminate()
    assert check.returncode == 0, check.stderr
    assert f"{said[0].split()[1]}: modbus acme-tx2 on wire simulated" in check.stdout
    assert read.returncode == 0, read.stderr
    readings = json.loads(read.stdout)["readings"]
    shown = [line.split()[0] for line in block(GUIDE, "$ fieldgate check").splitlines()[5:]]
    assert [one["point"] for one in readings] == shown
    assert {one["quality"] for one in readings} == {"good"}


def test_its_mistakes_are_told_as_it_shows(site: Path, typed: Typed) -> None:
    profile = site / "share" / "configs" / "profiles" / "modbus" / "acme-tx2.yaml"
    text = profile.read_text(encoding="utf-8").replace("fault:", "falt:")
    profile.write_text(text.replace('unit: "%"', "unit: percent"), encoding="utf-8")
    told = typed("fieldgate simulate --profile modbus/acme-tx2")
    assert told.returncode == 78
    for line in block(GUIDE, "/etc/fieldgate/profiles").splitlines():
        assert line.replace("/etc/fieldgate/profiles/modbus", str(profile.parent)) in told.stderr


def test_its_case_is_what_its_profile_makes_of_the_bytes(site: Path) -> None:
    profile = load_profile(site / "share/configs/profiles/modbus/acme-tx2.yaml")
    case: Any = yaml.safe_load(block(GUIDE, "profile: acme-tx2"))
    capture = block(GUIDE, "$ fieldgate doctor").upper()
    found = {}
    for one in case["exchanges"]:
        assert one["request"] in capture
        assert one["reply"] in capture
        first, count = struct.unpack(">HH", bytes.fromhex(one["request"])[2:6])
        words = struct.unpack(f">{count}H", bytes.fromhex(one["reply"])[3:-2])
        for name, point in profile.points.items():
            if first <= point.address < first + count:
                value, quality, _ = decode(point, [words[point.address - first]])
                found[name] = [value, quality.value]
    assert found == case["expect"]


@pytest.mark.parametrize("text", [GUIDE, SIMULATE], ids=["adding-a-device", "simulate"])
def test_commands_and_files_that_are_named_exist(text: str) -> None:
    for command in re.findall(r"`?fieldgate ([a-z]+)\b", text):
        assert command in COMMANDS, command
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / "docs" / target).exists(), target


def test_the_script_of_the_page_is_sound_and_its_faults_are_faults(tmp_path: Path) -> None:
    file = tmp_path / "day.yaml"
    file.write_text(block(SIMULATE, "day: greenhouse"), encoding="utf-8")
    script = script_named(str(file))
    assert script.seed == 7
    assert [fault_of(flag).target for flag in script.faults] == ["probe-3"]
    typed_lines = block(SIMULATE, "silence probe-3").splitlines()[:3]
    assert [fault_typed(line).kind for line in typed_lines] == ["silence", "late", "unplug"]
    assert all(f"| `{day}` |" in SIMULATE for day in DAYS)
