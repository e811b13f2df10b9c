"""New devices on a bus that watches over their ids, and a technician who plugs them in."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from agent import paths
from agent.clock import Clock
from agent.contract import Accept, Device, Ear, Line, LinkLost, Turn
from agent.host import DeviceHost
from drivers.modbus.bank import Bank
from drivers.modbus.simulate import ModbusSimulator, simulate

Effect = Literal["at_once", "power_cycle", "unknown"]


def profile_text(effect: Effect, **address: Any) -> str:
    """Of a probe that is quick enough for a test, in `takes_effect` like one that is sold."""
    body = {
        "title": "Test probe",
        "title_zh": "测试探头",
        "family": "soil",
        "source": ["nowhere but in this test"],
        "timing": {"timeout": "20ms", "latency": "1ms", "max_late": "50ms"},
        "points": {
            "soil_moisture": {
                "table": "holding", "address": 0, "type": "uint16", "scale": 0.1, "unit": "%",
            },
        },
        "settings": {"unit_id": {"address": 0x0100, "range": [1, 254]}},
        "address": {"takes_effect": effect, **address},
    }  # fmt: skip
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True)


def share(folder: Path, effect: Effect, **address: Any) -> Path:
    """A folder to be named by FIELDGATE_SHARE, with one profile: `probe`."""
    profiles = folder / "configs" / "profiles" / "modbus"
    profiles.mkdir(parents=True)
    (profiles / "probe.yaml").write_text(profile_text(effect, **address), encoding="utf-8")
    (folder / "configs" / "units.yaml").symlink_to(paths.share() / "configs" / "units.yaml")
    return folder


@dataclass(eq=False)
class Bus:
    """Implements Simulator. `plugged` devices hear and answer; each is a simulator of its own, so
    that two of them with one id are heard as two.

    `hook` is called before a frame is heard and after its answers are made.
    """

    devices: list[ModbusSimulator]
    plugged: list[ModbusSimulator] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)  # ids that two devices ever had at one time
    frames: int = 0
    hook: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, site: Path, count: int, units: Sequence[int] = ()) -> "Bus":
        """`count` devices as new, or with `units` for ids."""
        return cls([_device(site, at, unit) for at, unit in enumerate(units or [1] * count)])

    @property
    def units(self) -> list[int]:
        """The ids that the plugged devices answer to."""
        return [bank_of(device).unit for device in self.plugged]

    def hear(self, data: bytes) -> Sequence[bytes]:
        self.frames += 1
        self.hook()
        answers = [answer for device in self.plugged for answer in device.hear(data)]
        self._watch()
        self.hook()
        return answers

    def plug_next(self) -> None:
        """The next new device comes onto the wire."""
        self.plugged.append(next(d for d in self.devices if d not in self.plugged))

    def restart(self, *devices: ModbusSimulator) -> None:
        """Takes the supply away, from all or from these, and gives it back."""
        for device in devices or self.plugged:
            bank_of(device).power(on=False)
            bank_of(device).power(on=True)
        self._watch()

    def _watch(self) -> None:
        self.twice += {unit for unit in self.units if self.units.count(unit) > 1}


def _device(site: Path, number: int, unit: int) -> ModbusSimulator:
    device = Device(f"new-{number}", "modbus", 1.0, options={"profile": "probe", "unit": unit})
    return simulate([(device, DeviceHost(device, Clock(), None, None, site))], "rtu")


def bank_of(device: ModbusSimulator) -> Bank:
    (bank,) = device.banks.values()
    return bank


class PowerCut(BaseException):
    """The gateway's supply fails."""


@dataclass
class Bench:
    """Implements Wire, without time: what nobody answers is silence at once.

    `cut` counts down with each frame: the power goes before the frame that brings it to 0 has left,
    or (`late`) when the devices have heard it and their answer is lost.
    """

    bus: Bus
    name: str = "bench"
    framing: Literal["rtu", "tcp"] = "rtu"
    cut: int = -1
    late: bool = False

    @asynccontextmanager
    async def turn(self, line: Line | None = None, guard: float = 0.0) -> AsyncIterator[Turn]:
        del line, guard
        yield self

    def overhear(self, line: Line | None = None) -> AbstractAsyncContextManager[Ear]:
        raise NotImplementedError("nobody listens here")

    async def ask(self, request: bytes, accept: Accept, timeout: float) -> bytes:
        self.cut -= 1
        if self.cut == 0 and not self.late:
            raise PowerCut
        heard = b"".join(self.bus.hear(request))
        if self.cut == 0:
            raise PowerCut
        answer = accept(bytearray(heard)) if heard else None
        if answer is None:
            raise LinkLost("silence")
        return answer

    async def tell(self, request: bytes) -> None:
        self.bus.hear(request)

    async def listen(self, seconds: float) -> bytes:
        del seconds
        return b""


@dataclass
class Technician:
    """Does what is asked for; `steps` are what was said."""

    bus: Bus
    steps: list[str] = field(default_factory=list)
    answers: bool = True

    def tell(self, step: str, fields: Mapping[str, object]) -> None:
        del fields
        self.steps.append(step)
        if step == "waiting":
            self.bus.plug_next()
        elif step == "restart":
            self.bus.restart(self.bus.plugged[-1])

    async def confirm(self, step: str, fields: Mapping[str, object]) -> bool:
        self.steps.append(f"asked {step}")
        return self.answers and not fields.get("unplugged", False)
