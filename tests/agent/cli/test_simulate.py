"""`fieldgate simulate` as it is typed: a site, one profile, a day, faults, and commands."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.cli.simulate import _not_played

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def fieldgate(tmp_path: Path) -> Iterator[Run]:
    """Starts `fieldgate WORDS…`; ends what still runs."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "FIELDGATE_LANG": "en"},
            cwd=tmp_path,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def said_until(process: "subprocess.Popen[str]", wanted: str) -> list[str]:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if wanted in line:
            return lines
    raise AssertionError(f"{wanted!r} was never said: {lines}")


def say(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


def test_one_device_is_played_from_its_profile_and_read_as_it_says(
    fieldgate: Run, tmp_path: Path
) -> None:
    simulate = fieldgate(
        "simulate", "--profile", "modbus/xy-md02", "--set", "unit=3", "--port", tmp_path / "port",
        "--day", "greenhouse", "--speed", "60", "--at", "12:00",
    )  # fmt: skip
    lines = said_until(simulate, '"unit": 3')
    assert lines[0] == f"simulated: xy-md02-1 on {tmp_path}/port"
    config = tmp_path / "gateway.yaml"
    config.write_text("\n".join(lines[2:]), encoding="utf-8")
    read = fieldgate("read", "xy-md02-1", "--config", config, "--json")
    out, complaint = read.communicate(timeout=30)
    assert read.returncode == 0, complaint
    readings = {one["point"]: one for one in json.loads(out)["readings"]}
    assert {one["quality"] for one in readings.values()} == {"good"}
    assert 24 < readings["air_temperature"]["value"] < 36, "noon in a greenhouse"


def test_one_device_may_listen_on_a_socket(fieldgate: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        peer = f"127.0.0.1:{taken.getsockname()[1]}"
    simulate = fieldgate("simulate", "--profile", "modbus/renke-soil-th", "--tcp", peer)
    lines = said_until(simulate, '"profile"')
    assert lines[0] == f"simulated: renke-soil-th-1 on {peer}"
    config = tmp_path / "gateway.yaml"
    config.write_text("\n".join(lines[2:]), encoding="utf-8")
    read = fieldgate("read", "renke-soil-th-1", "--config", config, "--json")
    out, complaint = read.communicate(timeout=30)
    assert read.returncode == 0, complaint
    assert len(json.loads(out)["readings"]) == 2


def test_faults_are_begun_by_flag_and_by_what_is_typed_and_told(
    fieldgate: Run, tmp_path: Path
) -> None:
    simulate = fieldgate(
        "simulate", "--profile", "modbus/xy-md02", "--port", tmp_path / "port",
        "--fault", "simulated:noise@100ms+100ms",
    )  # fmt: skip
    assert said_until(simulate, "is over")[-1].endswith("simulated: noise is over")
    say(simulate, "silence xy-md02-1")
    assert "until it is cleared" in said_until(simulate, "silence")[-1]
    say(simulate, "faults")
    assert said_until(simulate, "xy-md02-1")[-1] == "xy-md02-1: silence"
    say(simulate, "clear")
    said_until(simulate, "silence is over")
    say(simulate, "faults")
    said_until(simulate, "nothing is wrong")
    say(simulate, "burn everything")
    said_until(simulate, "'burn everything' is no fault")
    say(simulate, "echo xy-md02-1")
    said_until(simulate, "next: write simulated:echo")
    say(simulate, "help")
    said_until(simulate, "quit")
    say(simulate, "quit")
    assert simulate.wait(timeout=30) == 0
    assert not (tmp_path / "port").is_symlink()


def test_a_script_may_bring_its_own_faults(fieldgate: Run, tmp_path: Path) -> None:
    script = tmp_path / "storm.yaml"
    script.write_text(
        'day: soil\nstart: "09:00"\nfaults: ["simulated:unplug@10:00+1h"]\n', encoding="utf-8"
    )
    simulate = fieldgate(
        "simulate", "--profile", "modbus/xy-md02", "--port", tmp_path / "port",
        "--day", script, "--speed", "3600",
    )  # fmt: skip
    lines = said_until(simulate, "unplug is over")
    assert "simulated: unplug for 3600 s" in lines[-2]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "simulate what?"),
        (("--profile", "xy-md02"), "'xy-md02' is no profile"),
        (("--profile", "modbus/xy-md20"), "did you mean 'xy-md02'"),
        (("--profile", "simulated/x"), "the driver simulated has no simulator"),
        (("--profile", "modbus/xy-md02", "--set", "unit"), "'unit' is no setting"),
        (("--profile", "modbus/xy-md02", "--set", "unit=900"), "unit: "),
        (("--profile", "modbus/xy-md02", "--day", "winter"), "there is no day 'winter'"),
        (("--profile", "modbus/xy-md02", "--day", "soil", "--at", "noon"), "no time of day"),
        (("--profile", "modbus/xy-md02", "--fault", "x:fire"), "is no fault"),
        (("--profile", "modbus/xy-md02", "--fault", "x:noise"), "is called 'x'"),
        (("--profile", "serial_line/deying-m77r"), "needs to know its detectors"),
    ],
)
def test_what_cannot_be_played_is_told(
    words: tuple[str, ...],
    problem: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")
    assert main(["simulate", *words]) == 78
    complaint = capsys.readouterr().err
    assert problem in complaint
    assert "next: " in complaint


@pytest.mark.parametrize("speed", ["0", "-3", "fast"])
def test_a_day_cannot_stand_still(speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--profile", "modbus/xy-md02", "--speed", speed]) == 64
    assert "--speed" in capsys.readouterr().err


def test_every_mistake_of_a_profile_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "configs" / "profiles" / "modbus"
    folder.mkdir(parents=True)
    (folder / "acme.yaml").write_text(
        "title: Acme\n"
        "source: Acme manual, table 7\n"
        "points:\n"
        "  air_temperature: {table: holding, address: 0, type: int16, unit: C, falt: 1}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("FIELDGATE_SHARE", str(tmp_path))
    monkeypatch.setenv("FIELDGATE_LANG", "en")
    assert main(["simulate", "--profile", "modbus/acme"]) == 78
    complaint = capsys.readouterr().err
    place = f"{folder}/acme.yaml:4: points.air_temperature"
    assert f"{place}.falt: is not a setting; did you mean 'fault'?" in complaint
    assert f"{place}.unit: units are written in UCUM: 'Cel'" in complaint


def test_bluetooth_devices_are_left_to_their_rig() -> None:
    assert "by the rig in hw-tests/" in _not_played("tag-1", "ble")
    assert _not_played("odd-1", "acme") == "odd-1: the driver acme has no simulator"
