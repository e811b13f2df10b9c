"""A driver that somebody else wrote and packed, on one wire with a Modbus unit.

What was found with it stands in docs/decisions/0001-one-owner-per-wire.md.
"""

import ast
import asyncio
import json
import os
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest

from agent import registry
from agent.clock import Clock
from agent.collect import Member, Policy, Scheduler
from agent.contract import Device, Line, LinkLost, PolledDriver, Quality, Reading, Record
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage

SOURCE = Path(__file__).parent / "foreign" / "raingauge.py"
LINE = Line(9600)
GAUGE = Device("gauge", "raingauge", 0.1, "bus", options={"address": 2, "timeout": "200ms"})
AIR = Device(
    "air", "modbus", 0.1, "bus",
    options={"profile": "xy-md02", "unit": 2, "timeout": "200ms", "max_late": "300ms"},
)  # fmt: skip
ADDRESS = b"\x02"  # of the Modbus unit; the gauge's is the ASCII text 02


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip has installed the driver's wheel into."""
    folder = tmp_path_factory.mktemp("foreign")
    wheel = _wheel(folder)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
            "--disable-pip-version-check", "--target", folder / "site", wheel,
        ],
        check=True,
    )  # fmt: skip
    return folder / "site"


def _wheel(folder: Path) -> Path:
    """The smallest wheel that the format allows."""
    about = "raingauge-1.0.dist-info"
    files = {
        "raingauge.py": SOURCE.read_text(encoding="utf-8"),
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: raingauge\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{about}/entry_points.txt": "[fieldgate.drivers]\nraingauge = raingauge:DRIVER\n",
    }
    record = "".join(
        f"{name},{_digest(text)},{len(text.encode())}\n" for name, text in files.items()
    )
    files[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n"
    wheel = folder / "raingauge-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def _digest(text: str) -> str:
    return "sha256=" + urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The driver is there for this process too."""
    monkeypatch.syspath_prepend(str(site))
    registry.driver_named.cache_clear()
    yield
    registry.driver_named.cache_clear()
    sys.modules.pop("raingauge", None)


class Remembering:
    """A sink."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def put(self, records: Sequence[Record]) -> None:
        self.records += records

    async def flush(self) -> None:
        """Nothing is on disk here."""

    def good(self, device: str, point: str) -> list[Any]:
        return [
            r.value
            for r in self.records
            if isinstance(r, Reading)
            and (r.device, r.point, r.quality) == (device, point, Quality.GOOD)
        ]


class Field:
    """Both devices on one pty at 9600 baud, simulated by their own drivers, and polled."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self.board, self.sink, self.clock = Board(), Remembering(), Clock()
        self.stage = PtyStage(port, [self._simulated(AIR), self._simulated(GAUGE)], LINE)
        self.wires = Wires([WireSpec("bus", port=str(port), line=LINE)], self.board)
        members = [self._member(AIR), self._member(GAUGE)]
        policy = Policy(first=0.5, longest=0.5, look=0.1)
        self.scheduler = Scheduler("bus", members, self.sink, self.clock, self.board, policy)

    def _simulated(self, device: Device) -> Any:
        simulate = registry.driver_named(device.driver).simulate
        assert simulate
        return simulate([(device, DeviceHost(device, self.clock))], "rtu")

    def _member(self, device: Device) -> Member:
        host = DeviceHost(device, self.clock, self.wires.wire("bus"))
        driver = registry.driver_named(device.driver).make(device, host)
        return Member(device, cast("PolledDriver", driver))

    def state(self, device: str) -> str:
        return self.board.device(device).state


@pytest.fixture
async def field(installed: None, tmp_path: Path) -> AsyncIterator[Field]:
    one = Field(tmp_path / "port")
    async with one.stage, one.wires:
        task = asyncio.create_task(one.scheduler.run())
        yield one
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def both_answer(field: Field, times: int = 3) -> None:
    counts = [len(field.sink.good(*which)) + times for which in FIRST_POINTS]
    await until(
        lambda: all(
            len(field.sink.good(*which)) >= count
            for which, count in zip(FIRST_POINTS, counts, strict=True)
        )
    )


FIRST_POINTS = [("air", "air_temperature"), ("gauge", "rain")]


def test_the_driver_knows_nothing_of_us_but_the_contract() -> None:
    modules = {
        node.module
        for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    ours = {module for module in modules if module.split(".")[0] in {"agent", "drivers"}}
    assert ours == {"agent.contract", "agent.contract.settings"}


async def test_two_protocols_share_a_wire(field: Field) -> None:
    await both_answer(field, times=5)
    assert (field.state("air"), field.state("gauge")) == ("ok", "ok")
    assert field.board.device("air").failures == field.board.device("gauge").failures == 0
    assert field.board.wire("bus").noise == 0


async def test_a_late_answer_is_never_taken_for_another_ones(field: Field) -> None:
    await both_answer(field)
    field.stage.faults.late, field.stage.faults.late_by = 1.0, 0.25
    await until(lambda: field.board.device("air").failures and field.board.device("gauge").failures)
    field.stage.faults.late = 0.0
    await both_answer(field)
    tips = field.sink.good("gauge", "tips")
    assert tips == sorted(set(tips)), "each count once, in order"
    rain = field.sink.good("gauge", "rain")
    assert [round(count * 0.2, 1) for count in tips] == rain
    assert all(-40 <= value <= 80 for value in field.sink.good("air", "air_temperature"))
    assert field.board.wire("bus").noise > 0, "the late answers were heard, and dropped"


async def test_a_pulled_cable_is_told_and_works_at_once_when_it_is_back(field: Field) -> None:
    await both_answer(field)
    await field.stage.unplug()
    await until(lambda: (field.state("air"), field.state("gauge")) == ("down", "down"))
    reasons = {r.reason for r in field.sink.records if isinstance(r, Reading)} - {""}
    assert reasons == {"no_port"}
    assert field.board.wire("bus").state == "lost"
    await field.stage.plug()
    await both_answer(field)
    assert (field.state("air"), field.state("gauge")) == ("ok", "ok")
    assert field.board.wire("bus").opened == 2


async def test_a_reading_can_be_asked_for_beside_the_running_scheduler(field: Field) -> None:
    await both_answer(field)
    readings = await asyncio.gather(
        *(field.scheduler.read_now(device) for device in ("air", "gauge", "air", "gauge"))
    )
    assert [r[0].point for r in readings] == ["air_temperature", "rain"] * 2
    assert all(r.quality is Quality.GOOD for several in readings for r in several)
    assert field.board.device("gauge").failures == 0


async def test_the_running_scheduler_keeps_others_off_the_port(field: Field) -> None:
    await both_answer(field)
    assert await held(field.port)


CONFIG = """
gateway: {{id: gw}}
store: {{path: {folder}/store}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
wires:
  bus: {{port: {folder}/port}}
devices:
  - {{id: gauge, driver: raingauge, wire: bus, every: 500ms, address: 2}}
  - {{id: air, driver: modbus, wire: bus, every: 500ms, profile: xy-md02, unit: 2}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.yaml"
    file.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    return file


@pytest.fixture
def fieldgate(site: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts `fieldgate …` where the driver is installed; stops what still runs."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str | Path) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": str(site), "FIELDGATE_LANG": "en"}
        command = [sys.executable, "-m", "agent", *words]
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
        )
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=10)


def test_check_finds_the_driver_and_its_settings(
    fieldgate: Callable[..., "subprocess.Popen[str]"], config: Path
) -> None:
    drivers, _ = fieldgate("check", "--drivers").communicate(timeout=30)
    assert "raingauge: Rain gauges with ASCII frames" in drivers
    assert "fieldgate rain" in drivers
    sound = fieldgate("check", config)
    sound.communicate(timeout=30)
    assert sound.returncode == 0
    config.write_text(config.read_text().replace("address: 2", "adress: 2"), encoding="utf-8")
    wrong = fieldgate("check", config)
    said = "".join(wrong.communicate(timeout=30))
    assert wrong.returncode == 78
    assert "did you mean 'address'?" in said


def test_the_driver_brings_a_command(fieldgate: Callable[..., "subprocess.Popen[str]"]) -> None:
    sound = fieldgate("rain", ">02+12.4,6224")
    assert sound.communicate(timeout=30)[0] == "gauge 2: 12.4 mm in 62 tips\n"
    assert sound.returncode == 0
    damaged = fieldgate("rain", ">02+12.4,6200")
    damaged.communicate(timeout=30)
    assert damaged.returncode == 1


async def test_simulate_answers_for_both_drivers(
    fieldgate: Callable[..., "subprocess.Popen[str]"], config: Path, installed: None
) -> None:
    simulate = fieldgate("simulate", config)
    assert simulate.stdout
    assert "gauge" in simulate.stdout.readline()
    field = Field(config.with_name("port"))
    async with field.wires:
        task = asyncio.create_task(field.scheduler.run())
        await both_answer(field)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_simulate_read_and_the_service_go_together(
    fieldgate: Callable[..., "subprocess.Popen[str]"], config: Path
) -> None:
    simulate = fieldgate("simulate", config)
    assert simulate.stdout
    assert "gauge" in simulate.stdout.readline()
    alone = sample(fieldgate, config)
    run = fieldgate("run", "--config", config)
    port = config.with_name("port")
    while not await held(port):
        await asyncio.sleep(0.1)
    beside = sample(fieldgate, config)
    assert await held(port), "so `read` went through the service"
    assert [reading["quality"] for reading in (*alone, *beside)] == ["good"] * 4
    assert beside[1]["value"] > alone[1]["value"], "one gauge, which counts on"
    run.terminate()
    assert run.wait(timeout=10) == 0


def sample(fieldgate: Callable[..., "subprocess.Popen[str]"], config: Path) -> list[Any]:
    """The readings of `fieldgate read`."""
    read = fieldgate("read", "gauge", "--config", config, "--json")
    said, complaint = read.communicate(timeout=30)
    assert read.returncode == 0, complaint
    return list(json.loads(said)["readings"])


async def held(port: Path) -> bool:
    """Whether another program has the port."""
    async with Wires([WireSpec("bus", port=str(port))], Board()) as wires:
        try:
            async with wires.wire("bus").turn():
                return False
        except LinkLost as error:
            return "another program" in str(error)
