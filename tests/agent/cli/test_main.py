"""The front door: help, mistakes, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.main import COMMANDS, main


def test_without_words_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 64
    shown = capsys.readouterr().out
    assert all(f"  {name}" in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    assert f"fieldgate {name}" in capsys.readouterr().out.rpartition("example: ")[2]


def test_a_misspelt_command_is_answered_with_the_near_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["statsu"]) == 64
    assert "did you mean 'fieldgate status'?" in capsys.readouterr().err


def test_wrong_words_are_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--nonsense"]) == 64
    assert "--nonsense" in capsys.readouterr().err


def test_a_missing_configuration_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "none.yaml")]) == 78
    shown = capsys.readouterr().err
    assert "none.yaml" in shown
    assert "next: " in shown


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("fieldgate ")


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m agent check --schema | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "{", "")


def test_a_bug_of_ours_is_seventy_with_its_traceback(tmp_path: Path) -> None:
    module = tmp_path / "broken_command.py"
    module.write_text(
        "import argparse\n"
        "def parser(): return argparse.ArgumentParser()\n"
        "def run(args): return 1 // 0\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from agent.cli.main import run_module"
    )
    code += "; sys.exit(run_module('broken_command', []))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr
