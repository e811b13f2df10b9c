"""`fieldgate configure`: what a profile knows, done on purpose, on a real port."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.cli.main import main

CONFIG = """\
gateway: {{language: en}}
control: {{socket: {folder}/no.sock}}
wires:
  bus: {{port: {folder}/port}}
devices:
  - {{id: co2-a, driver: modbus, wire: bus, profile: senseair-s8}}
  - {{id: co2-b, driver: serial_line, wire: bus, profile: winsen-mh-z19}}
  - {{id: air, driver: modbus, wire: bus, profile: elt-mb350}}
  - {{id: soil, driver: modbus, wire: bus, profile: seeed-mtec02, unit: 4}}
"""
Configure = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration, and its devices answering at once."""
    folder = tmp_path_factory.mktemp("site")
    file = folder / "gateway.yaml"
    file.write_text(CONFIG.format(folder=folder), encoding="utf-8")
    words = [sys.executable, "-m", "agent", "simulate", str(file), "--fast"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env={**os.environ}
    ) as simulate:
        assert simulate.stdout
        assert "co2-a" in simulate.stdout.readline()
        yield file
        simulate.terminate()


@pytest.fixture
def configure(site: Path, capsys: pytest.CaptureFixture[str]) -> Configure:
    """(exit code, what was said, what was complained of)."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["configure", *words, "--config", str(site)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_what_can_be_set_up_is_listed(configure: Configure) -> None:
    code, said, _ = configure("co2-b")
    assert code == 0
    lines = said.splitlines()
    assert lines[0] == "abc abc=…  0xA0 on, 0 off"
    assert "zero  (needs --dangerous)  now at 400 ppm, for 20 minutes" in lines
    assert "range ppm=…  2000 or 5000 ppm" in lines
    _, said, _ = configure("soil")
    assert "soil_type value=…  mineral | sandy | clay | organic" in said
    assert "unit_id value=…  (needs --dangerous)" in said


def test_a_register_is_written_and_read_back(configure: Configure) -> None:
    assert configure("co2-a", "abc_period", "value=0", "--yes")[:2] == (
        0, "value: 0\nco2-a: abc_period is done\n",
    )  # fmt: skip
    assert configure("soil", "soil_type", "value=clay", "--yes")[1].startswith("value: clay\n")


def test_a_frame_is_sent(configure: Configure) -> None:
    code, said, complaint = configure("co2-b", "range", "ppm=2000", "--yes")
    assert (code, complaint) == (0, "")
    assert said.endswith("co2-b: range is done\n")


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("co2-b", "zero", "--yes"), 75, "sets the device up or wears it out"),
        (("soil", "unit_id", "value=9", "--yes"), 75, "one that cuts the device off"),
        (("soil", "soil_kind", "value=9", "--yes"), 75, "soil_kind is no setting"),
        (("soil", "salinity_coefficient", "value=3", "--yes"), 75, "is outside 0…1"),
        (("soil", "salinity_coefficient", "value=much", "--yes"), 75, "'much' is no number"),
        (("soil", "salinity_coefficient", "--yes"), 75, "takes one value"),
        (("co2-b", "range", "width=3", "--yes"), 75, "range has no field 'width'"),
        (("co2-b", "range", "2000", "--yes"), 78, "'2000' is no field"),
        (("co2-c", "range"), 78, "no device is called 'co2-c'"),
        (("air",), 78, "its profile knows nothing that sets it up"),
        (("co2-b", "range", "ppm=2000"), 78, "nobody can be asked"),
    ],
)
def test_what_is_not_to_be_done_is_not_done(
    words: tuple[str, ...], code: int, problem: str, configure: Configure
) -> None:
    got, _, complaint = configure(*words)
    assert (got, problem in complaint) == (code, True), complaint


def test_what_is_meant_is_done(configure: Configure) -> None:
    assert configure("co2-b", "zero", "--yes", "--dangerous")[0] == 0
