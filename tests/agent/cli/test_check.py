"""`fieldgate check`, as a technician and as a program see it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from agent import i18n
from agent.cli.main import main
from agent.registry import driver_names

EXAMPLE = Path(__file__).parents[3] / "configs" / "gateway.example.yaml"
BUS = "wires:\n  bus: {port: /dev/ttyS0}\n"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FIELDGATE_LANG", "en")
    yield
    i18n.use("en")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.yaml"
    file.write_text("gateway: {nam: x}\nuplinks:\n  - {id: a, brokers: [], password: hunter2}\n")
    return file


def test_a_sound_configuration_gives_a_line_a_device(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(EXAMPLE)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        "soil-1: modbus renke-soil-7in1 on wire rs485-1, every 10s, points 7",
        "air-1: modbus xy-md02 on wire rs485-1, every 10s, points 1",
        "pump-relay: modbus waveshare-relay-8ch on wire cabinet-2, every 2s, points 8",
        "lot-east: serial_line deying-m77r on wire rs485-1, every 5s, points 72",
        "street: serial_line wvds-nbiot, every 10s, points 6",
        "sign-1: serial_line led-card-0x64, every 5min, points 2",
        "bed-3: ble, every 10s, points 3",
        "pot-7: ble xiaomi-hhccjcy01, every 30min, points 6",
        "gate-1: camera, every 10s, points 8",
        "sample: simulated, every 5s, points 2",
        f"{EXAMPLE}: no mistake found; devices 10, wires 2, uplinks 1",
    ]


def test_all_mistakes_go_to_stderr_and_the_exit_code_is_78(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(broken)]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"{broken}:1: gateway.nam: is not a setting; did you mean 'name'?",
        f"{broken}:3: uplinks[0].brokers: has too few entries; write at least 1",
        (
            f"{broken}:3: uplinks[0].password: is not a setting: secrets come from files; write "
            "`password_file:` with the path of the file"
        ),
        f"next: edit {broken}, then: fieldgate check {broken}",
    ]


def test_programs_get_the_mistakes_as_data_in_english(
    broken: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "zh")
    assert main(["check", "--json", str(broken)]) == 78
    out, err = capsys.readouterr()
    assert err == ""
    assert "hunter2" not in out
    assert json.loads(out)[0] == {
        "file": str(broken),
        "line": 1,
        "column": None,
        "path": "gateway.nam",
        "problem": "is not a setting; did you mean 'name'?",
    }
    assert len(json.loads(out)) == 3


def test_without_mistakes_the_data_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", str(EXAMPLE)]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_missing_file_has_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", str(tmp_path / "no.yaml")]) == 78
    (mistake,) = json.loads(capsys.readouterr().out)
    assert (mistake["line"], mistake["path"]) == (None, "")


def test_the_file_of_the_machine_is_looked_at_by_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("agent.cli.check.FILE", tmp_path / "gateway.yaml")
    assert main(["check"]) == 78
    assert capsys.readouterr().err.startswith(f"{tmp_path}/gateway.yaml: there is no such file")


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("profile: xy-md2", ":7: devices[0].profile: no profile is called 'xy-md2'; did you mean"),
        (
            "profile: xy-md02\n    points: [rain]",
            ":8: devices[0].points: the profile xy-md02 has no",
        ),
    ],
)
def test_profiles_are_looked_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], device: str, said: str
) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"{BUS}devices:\n  - id: a\n    driver: modbus\n    wire: bus\n    {device}\n")
    assert main(["check", str(file)]) == 78
    assert f"{file}{said}" in capsys.readouterr().err


def test_no_device_is_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The port does not exist, the peer does not answer: that is no mistake of the file."""
    file = tmp_path / "gateway.yaml"
    wires = f"wires:\n  a: {{port: {tmp_path}/none}}\n  b: {{connect: 127.0.0.1:1}}\n"
    devices = "".join(
        f"  - {{id: {wire}, driver: modbus, wire: {wire}, profile: xy-md02}}\n" for wire in "ab"
    )
    file.write_text(f"{wires}devices:\n{devices}")
    assert main(["check", str(file)]) == 0
    assert "no mistake found" in capsys.readouterr().out


def test_the_schema_is_printed_for_editors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--schema"]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_drivers_are_listed_with_their_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from agent.registry import driver_named

    modbus = replace(driver_named("modbus"), commands={"scan": "x:y", "listen": "x:z"})
    monkeypatch.setattr("agent.registry.driver_names", lambda: ["broken", "modbus"])
    original = driver_named
    monkeypatch.setattr(
        "agent.registry.driver_named", lambda name: modbus if name == "modbus" else original(name)
    )
    assert main(["check", "--drivers"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"modbus: {modbus.summary}",
        "    fieldgate listen",
        "    fieldgate scan",
    ]
    assert "no driver is called 'broken'" in err
    assert main(["check", "--drivers", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": "modbus", "summary": modbus.summary, "commands": ["listen", "scan"]}
    ]


def test_every_installed_driver_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--drivers"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name}: " in out for name in driver_names())


def test_help_is_printed_without_a_heavy_import() -> None:
    code = (
        "import sys; from agent.cli.main import main; main(['check', '--help']);"
        "print(sorted({'pydantic', 'yaml', 'pymodbus'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "example: fieldgate check gateway.yaml" in done.stdout
