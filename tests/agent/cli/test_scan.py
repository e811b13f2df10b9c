"""`fieldgate scan`: what it prints, what can be pasted, and how it behaves beside the service."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import agent.i18n
from agent.borrow import Lent, LentWire
from agent.cli.main import main
from agent.cli.scan import give_way, parser, search
from agent.cli.scanning import REMARKS, Account, sheet
from agent.cli.scanning_yaml import Paste
from agent.cli.where import Where
from agent.config.load import load
from agent.contract import (
    Device,
    DriverSpec,
    Find,
    Line,
    Match,
    Misconfigured,
    Remark,
    Simulator,
    Step,
)
from agent.host import DeviceHost
from agent.registry import driver_named
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage

NARROW = ("--ids", "3-5", "--speeds", "9600", "--parity", "none")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")


def device(profile: str, unit: int) -> Simulator:
    from agent.clock import Clock

    one = Device(f"{profile}-{unit}", "modbus", 1.0, options={"profile": profile, "unit": unit})
    simulate = driver_named("modbus").simulate
    assert simulate is not None
    return simulate([(one, DeviceHost(one, Clock()))], "rtu")


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[Path]:
    link = tmp_path / "bus"
    async with PtyStage(link, [device("xy-md02", 3), device("peacefair-pzem-016", 4)]):
        yield link


async def command(*words: str | Path) -> int:
    return await asyncio.to_thread(main, ["scan", *map(str, words)])


async def test_what_is_found_is_named_and_can_be_pasted(
    port: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = tmp_path / "none"
    assert await command("modbus", "--port", port, *NARROW, "--socket", socket) == 0
    shown = capsys.readouterr().out
    assert "9600 8N1   id 4    peacefair-pzem-016" in shown
    assert "Peacefair PZEM-014" in shown
    assert "nothing was written" in shown
    pasted = tmp_path / "gateway.yaml"
    pasted.write_text(shown[shown.index("wires:") :])
    config = load(pasted)
    assert {one.id: one.options["unit"] for one in config.devices} == {
        "xy-md02-3": 3,
        "peacefair-pzem-016-4": 4,
    }
    assert config.settings.wires["field"].port == str(port)


async def test_as_json_there_is_an_object_for_each_device_and_one_for_the_sum(
    port: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = tmp_path / "none"
    assert await command("modbus", "--port", port, *NARROW, "--json", "--socket", socket) == 0
    *finds, total = map(json.loads, capsys.readouterr().out.splitlines())
    assert {find["id"] for find in finds} == {3, 4}
    assert all(find["line"]["baud"] == 9600 for find in finds)
    energy = next(find for find in finds if find["id"] == 4)
    assert energy["matches"][0]["profile"] == "peacefair-pzem-016"
    assert 220 < energy["values"]["voltage"] < 240
    assert total["found"] == 2
    assert 0 < total["bus_s"] < 60


async def test_where_nobody_answers_another_try_is_worth_while(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with PtyStage(tmp_path / "bus", []):
        words = ("--port", tmp_path / "bus", "--seconds", "0.5", "--socket", tmp_path / "none")
        assert await command("modbus", *words) == 75
    shown = capsys.readouterr().out
    assert "found: 0" in shown
    assert "try --deep" in shown


async def test_ctrl_c_shows_what_was_found_so_far(port: Path, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "scan", "modbus", "--port", str(port)),
        *("--socket", str(tmp_path / "none"), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    process.send_signal(signal.SIGINT)
    rest, _ = await process.communicate()
    total = json.loads(rest.splitlines()[-1])
    assert process.returncode == 130
    assert total["found"] >= 1
    assert f"unit: {first['id']}" in total["yaml"]


@pytest.mark.parametrize(
    "words",
    [
        ("modbus", "--port", "/dev/x", "--ids", "0-3"),
        ("modbus", "--port", "/dev/x", "--ids", "1-999999999999"),
        ("modbus", "--port", "/dev/x", "--speeds", "fast"),
        ("modbus", "--port", "/dev/x", "--parity", "mark"),
        ("modbus",),
        ("everything",),
    ],
)
def test_words_that_make_no_sense_are_usage(words: tuple[str, ...]) -> None:
    assert main(["scan", *words]) == 64


@pytest.mark.parametrize("what", ["modbus", "serial"])
def test_every_kind_has_help_with_an_example(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", what, "--help"]) == 0
    assert f"fieldgate scan {what}" in capsys.readouterr().out.rpartition("example: ")[2]


def test_the_air_is_scanned_by_the_driver_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[list[str]] = []

    class Air:
        @staticmethod
        def run(words: list[str], say: Any, folders: Any) -> int:
            assert say is agent.i18n.say
            assert folders
            heard.append(words)
            return 7

    monkeypatch.setitem(sys.modules, "air_scan", Air)
    spec = driver_named("simulated")
    air = DriverSpec("ble", "", spec.settings, spec.make, commands={"scan": "air_scan:run"})
    monkeypatch.setattr("agent.registry.driver_named", lambda name: {"ble": air}[name])
    assert main(["scan", "ble", "--help", "-x", "1"]) == 7
    assert heard == [["--help", "-x", "1"]]


def test_without_that_driver_it_is_said_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> DriverSpec:
        raise Misconfigured("no driver is called '{name}'", name=name)

    monkeypatch.setattr("agent.registry.driver_named", missing)
    assert main(["scan", "ble"]) == 78
    assert "no driver is called 'ble'" in capsys.readouterr().err
    spec = driver_named("simulated")
    monkeypatch.setattr("agent.registry.driver_named", lambda _: spec)
    assert main(["scan", "ble"]) == 78
    assert "cannot scan" in capsys.readouterr().err


def find(profile: str, unit: int, line: Line | None, *others: str) -> Find:
    matches = tuple(Match(name, name, "", 0.5) for name in (profile, *others))
    options = {"profile": profile, "unit": unit}
    return Find(unit, line, matches, len(matches), options)


def paste(finds: list[Find], *, known: bool = False) -> Mapping[str, Any]:
    text = Paste("modbus", "bus", WireSpec("bus", port="/dev/x"), Line(), known=known).text(finds)
    return dict(yaml.safe_load(text) or {})


def test_a_new_wire_gets_the_settings_of_most_devices_and_the_others_say_theirs() -> None:
    slow, even = Line(4800), Line(9600, "even")
    text = paste([find("a", 1, slow), find("b", 2, slow), find("b", 2, even)])
    assert text["wires"]["bus"] == {"port": "/dev/x", "baud": 4800, "parity": "none"}
    assert [entry.get("line") for entry in text["devices"]] == [
        None,
        None,
        {"baud": 9600, "parity": "even"},
    ]
    assert [entry["id"] for entry in text["devices"]] == ["a-1", "b-2", "b-2-2"]


def test_a_wire_of_the_settings_is_not_written_again() -> None:
    text = paste([find("a", 1, Line(4800))], known=True)
    assert set(text) == {"devices"}
    assert text["devices"][0]["line"] == {"baud": 4800, "parity": "none"}


def test_what_no_profile_fits_is_not_pasted_and_ties_are_named() -> None:
    assert paste([Find(3, Line())]) == {}
    text = Paste("modbus", "bus", WireSpec("bus", port="/dev/x"), Line(), known=True)
    assert "# or b, c" in text.text([find("a", 1, Line(), "b", "c")])


def test_every_remark_has_words() -> None:
    facts = {"best": "a", "other": "b", "best_line": "x", "other_line": "y", "as_best": "1"}
    facts |= {"id": "9", "as_other": "2", "owner": "a", "table": "coil", "text": "t", "order": "o"}
    numbers = {"address": 3, "count": 4, "seconds": 5.0}
    for code in REMARKS:
        rows = sheet(Find(1, Line(), remarks=(Remark(code, facts | numbers | {"file": "f"}),)))
        assert len(rows) == 2
        assert "{" not in rows[1]


def test_a_bar_shows_how_far_the_search_is_and_is_wiped_by_a_find(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    account = Account(lambda _: "", as_json=False)
    account.step(Step(15.0, 45.0, Line(4800), 7))
    account.found(Find(7, Line(4800)))
    account.step(Step(30.0, 30.0, Line(4800), 8))
    account.end()
    first, second, *_ = capsys.readouterr().err.split("\r\x1b[K")[1:]
    assert first.startswith("█" * 6 + "░" * 18)
    assert "4800 8N1 id 7, 0 found, about 45 s left" in first
    assert second == ""


@pytest.mark.parametrize(
    ("words", "shared", "line", "speeds"),
    [
        (("--port", "/dev/x"), False, None, None),
        (("--port", "/dev/x"), True, Line(4800), None),
        (("--port", "/dev/x", "--speeds", "9600"), True, Line(4800), [9600]),
        (("--connect", "h:1", "--framing", "rtu"), False, Line(4800), None),
        (("--connect", "h:1", "--framing", "rtu", "--speeds", "19200"), False, Line(19200), None),
    ],
    ids=["ours", "the service's", "the service's, asked", "a converter's", "a converter's, known"],
)
def test_a_line_that_is_not_ours_is_not_changed_unless_that_is_asked_for(
    words: tuple[str, ...], shared: bool, line: Line | None, speeds: list[int] | None
) -> None:
    args = parser().parse_args(["modbus", *words])
    spec = WireSpec("w", port=args.port)
    wire = Wires([spec], Board()).wire("w") if args.port else LentWire("w", "rtu", Path("s"))
    lent = Lent(wire, shared=shared, taps=set(), line=Line(4800))
    wanted = search(args, Where(spec, Path("s"), None), lent)
    assert (wanted.line, wanted.speeds) == (line, speeds)


def test_half_of_the_time_is_left_to_the_service() -> None:
    assert give_way(0.4) == 0.4
    assert give_way(0.0) > 0


CONFIG = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 50MB}}
control: {{socket: {folder}/s}}
metrics: {{listen: null}}
wires:
  field: {{port: {folder}/bus, baud: 9600}}
devices:
  - {{id: a, driver: modbus, wire: field, profile: xy-md02, unit: 3, every: 500ms}}
"""


class Counted:
    """Counts what its device is asked."""

    def __init__(self, inner: Simulator) -> None:
        self._inner = inner
        self.asked = 0
        self.functions: set[int] = set()

    def hear(self, data: bytes) -> Any:
        answers = self._inner.hear(data)
        self.asked += len(answers)
        self.functions.add(data[1])
        return answers


async def test_the_service_goes_on_polling_while_its_wire_is_scanned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    polled = Counted(device("xy-md02", 3))
    file = tmp_path / "gateway.yaml"
    file.write_text(CONFIG.format(folder=tmp_path))
    async with PtyStage(tmp_path / "bus", [polled, device("peacefair-pzem-016", 5)]):
        service = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "run", "--config", str(file)),
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            while polled.asked < 3:
                assert service.returncode is None
                await asyncio.sleep(0.05)
            before = polled.asked
            assert await command("modbus", "--wire", "field", "--config", file, "--ids", "5") == 0
        finally:
            service.terminate()
            await service.wait()
    assert polled.asked > before
    assert polled.functions <= {1, 2, 3, 4, 17, 43}
    shown = capsys.readouterr().out
    assert "id 5    peacefair-pzem-016" in shown
    assert "wires:" not in shown
    assert "wire: field" in shown
