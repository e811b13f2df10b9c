"""Random wires, each with one thing wrong, on real pseudo-terminals at their real speed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import cast

from agent.borrow import borrow
from agent.clock import Clock
from agent.contract import Device, Line, Parity, Simulator, Wire
from agent.control.server import serve
from agent.desk import Desk, Running
from agent.doctor.causes import Ill as Cause
from agent.doctor.evidence import Evidence
from agent.doctor.gather import Examination, Plan, Subject
from agent.doctor.tape import Tape
from agent.host import DeviceHost
from agent.registry import driver_named
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.ailments import (
    Breathless,
    Ill,
    Master,
    Resting,
    Twins,
    Unbiased,
    inverted,
    reflected,
)
from agent.wires.faults import Faults
from agent.wires.stage import PtyStage
from drivers.modbus.codec import rtu_frame

PROFILES = Path(__file__).parents[1] / "configs" / "profiles" / "modbus"
BAUDS = (2400, 4800, 9600, 9600, 9600, 19200, 38400, 115200)
PARITIES: tuple[Parity, ...] = ("none", "none", "none", "even", "odd")
NOWHERE = Path("/nonexistent/control.sock")


@dataclass
class Case:
    """One wire. `twins` answer to the id of a device that is there already."""

    random: Random
    line: Line
    devices: list[Device]
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    ill: dict[str, Callable[[Simulator], Simulator]] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    beside: list[Simulator] = field(default_factory=list)
    port: str = ""  # "", missing or held
    deaf: set[str] = field(default_factory=set)
    staged: PtyStage | None = None  # while it is examined

    @property
    def some(self) -> list[str]:
        """One device, or all of them."""
        ids = [device.id for device in self.devices]
        return [self.random.choice(ids)] if self.random.random() < 0.5 else ids

    def simulator(self, device: Device) -> Simulator:
        simulate = driver_named("modbus").simulate
        assert simulate is not None
        inner = simulate([(device, DeviceHost(device, self.clock))], "rtu")
        return self.ill[device.id](inner) if device.id in self.ill else inner

    def stage(self, port: Path) -> PtyStage:
        here = {d.id: self.simulator(d) for d in self.devices if d.id not in self.deaf}
        lines = {simulator: self.lines.get(name, self.line) for name, simulator in here.items()}
        lines |= dict.fromkeys(self.beside, self.line)
        return PtyStage(port, list(lines), self.line, self.faults, lines)


def healthy(random: Random, most: int = 8) -> Case:
    """`most`: devices."""
    names = sorted(file.stem for file in PROFILES.glob("*.yaml"))
    baud, parity = random.choice(BAUDS), random.choice(PARITIES)
    units = random.sample(range(1, 247), min(most, random.choice([1, 1, 2, 3, 4, 6, 8])))
    devices = [_device(random.choice(names), unit) for unit in units]
    return Case(random, Line(baud, parity), devices)


def _device(profile: str, unit: int) -> Device:
    return Device(f"d{unit}", "modbus", 1.0, "bus", options={"profile": profile, "unit": unit})


def no_answer(case: Case) -> None:
    case.deaf |= set(case.some)


def own_echo_only(case: Case) -> None:
    case.faults.echo, case.faults.dead = True, True


def echo_not_set(case: Case) -> None:
    case.faults.echo = True


def interference(case: Case) -> None:
    case.faults.flip = case.random.uniform(0.3, 0.9)
    case.faults.drop = case.random.uniform(0.0, 0.5)
    case.faults.noise = case.random.choice([0, 0, 2])


def wrong_baud(case: Case) -> None:
    other = case.random.choice([b for b in (2400, 4800, 9600, 19200, 38400) if b != case.line.baud])
    case.lines = dict.fromkeys(case.some, replace(case.line, baud=other))


def wrong_parity(case: Case) -> None:
    parity = case.random.choice([p for p in PARITIES if p != case.line.parity])
    case.lines = dict.fromkeys(case.some, replace(case.line, parity=parity))


def two_with_one_id(case: Case) -> None:
    first = case.random.choice(case.devices)
    other = replace(first, id="twin")
    apart = case.random.choice([0.0, 0.1, 0.3])
    case.ill[first.id] = lambda it: Twins(it, case.simulator(other), case.random, case.line, apart)


def swapped_pair(case: Case) -> None:
    """At a device (it hears nothing), at the gateway, or the pair of the answers of four wires."""
    where = case.random.choice(["device", "gateway", "answers"])
    if where == "device":
        case.deaf |= set(case.some)
    elif where == "gateway":
        case.deaf |= {device.id for device in case.devices}
        case.beside.append(Resting(case.random, case.random.choice([0.0, 0.5, 1.0])))
    else:
        case.ill = {
            d.id: lambda it: Ill(it, lambda answer: inverted(answer, case.line))
            for d in case.devices
        }


def no_bias(case: Case) -> None:
    chance = case.random.uniform(0.4, 1.0)
    case.ill = {d.id: lambda it: Unbiased(it, case.random, chance) for d in case.devices}


def no_end_resistors(case: Case) -> None:
    chance = case.random.uniform(0.01, 0.06)
    case.ill = {
        d.id: lambda it: Ill(it, lambda a: reflected(a, chance, case.random, case.line))
        for d in case.devices
    }


def late_answers(case: Case) -> None:
    case.devices = [replace(d, options={**d.options, "timeout": "300ms"}) for d in case.devices]
    wait = case.random.uniform(0.4, 1.5)
    if case.random.random() < 0.5:
        case.faults.delay = wait
    else:
        case.faults.late, case.faults.late_by = case.random.uniform(0.4, 0.8), wait


def second_master(case: Case) -> None:
    stranger = replace(case.devices[0], id="his", options={**case.devices[0].options, "unit": 247})
    simulate, probe = driver_named("modbus").simulate, driver_named("modbus").probe
    assert simulate is not None
    assert probe is not None
    his = simulate([(stranger, DeviceHost(stranger, case.clock))], "rtu")
    unopened = Wires([WireSpec("his", port="/dev/null")], Board()).wire("his")
    questions = probe(stranger, DeviceHost(stranger, case.clock, unopened)).questions
    case.beside.append(Master(his, questions, case.random, case.random.uniform(0.3, 2.0)))


def exceptions(case: Case) -> None:
    code = case.random.choice([1, 2, 2, 3, 4])

    def refuse(answer: bytes) -> bytes:
        return rtu_frame(answer[0], bytes([answer[1] | 0x80, code]))

    case.ill = dict.fromkeys(case.some, lambda it: Ill(it, refuse))


def short_of_breath(case: Case) -> None:
    pause = case.random.uniform(0.3, 0.45)  # shorter ones the questions keep by themselves
    clock = asyncio.get_running_loop().time
    case.ill = dict.fromkeys(case.some, lambda it: Breathless(it, pause, clock))


def port_missing(case: Case) -> None:
    case.port = "missing"


def port_held(case: Case) -> None:
    case.port = "held"


KINDS: dict[str, tuple[Callable[[Case], None], Cause | None]] = {
    "healthy": (lambda _: None, None),
    "no answer": (no_answer, Cause.NO_ANSWER),
    "own echo only": (own_echo_only, Cause.ECHO),
    "echo not set": (echo_not_set, Cause.ECHO),
    "interference": (interference, Cause.INTERFERENCE),
    "wrong baud": (wrong_baud, Cause.LINE_SETTINGS),
    "wrong parity": (wrong_parity, Cause.LINE_SETTINGS),
    "two with one id": (two_with_one_id, Cause.DUPLICATE),
    "reversed A/B": (swapped_pair, Cause.REVERSED),
    "no bias": (no_bias, Cause.BIAS),
    "no end resistors": (no_end_resistors, Cause.BIAS),
    "late answers": (late_answers, Cause.LATE),
    "second master": (second_master, Cause.FOREIGN),
    "exceptions": (exceptions, Cause.REFUSED),
    "short of breath": (short_of_breath, Cause.PAUSE),
    "port missing": (port_missing, Cause.PORT_MISSING),
    "port held": (port_held, Cause.PORT_HELD),
}


async def measured(case: Case, port: Path, plan: Plan, *, shared: bool = False) -> Evidence:
    """What the doctor sees of it; `shared`: through the socket of a service that has the wire."""
    spec = WireSpec("bus", port=str(port), line=case.line)
    async with _staged(case, port), _service(spec, shared=shared) as socket:
        tape = Tape()
        async with borrow(spec, socket) as lent:
            lent.taps.add(tape.note)
            known = Evidence("bus", line=case.line, shared=lent.shared)
            subjects = list(_subjects(case, lent.wire))
            return await Examination(lent.wire, tape, known, subjects, plan, lambda *_: None).run()


@asynccontextmanager
async def _service(spec: WireSpec, *, shared: bool) -> AsyncIterator[Path]:
    if not shared:
        yield NOWHERE
        return
    socket = Path(f"{spec.port}.sock")
    async with Wires([spec], Board()) as wires:
        desk = Desk(cast("Running", _Running({spec.name: wires})))  # no more of it is asked
        async with serve(socket, desk.handlers()):
            yield socket


@dataclass(frozen=True)
class _Running:
    wires: dict[str, Wires]


def _subjects(case: Case, wire: Wire) -> Iterator[Subject]:
    probe = driver_named("modbus").probe
    assert probe is not None
    for device in case.devices:
        yield Subject(device.id, probe(device, DeviceHost(device, case.clock, wire)))


@asynccontextmanager
async def _staged(case: Case, port: Path) -> AsyncIterator[None]:
    if case.port == "missing":
        yield
        return
    async with case.stage(port) as case.staged:
        with ExitStack() as held:
            if case.port == "held":
                from serial import Serial

                held.enter_context(Serial(str(port), exclusive=True))
            yield
