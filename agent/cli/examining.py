"""A wire of the settings, ready for the doctor: who hangs on it, through whom it is reached."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.borrow import Lent, borrow
from agent.clock import Clock
from agent.contract import Device, Misconfigured, Wire
from agent.doctor import capture
from agent.doctor.evidence import Evidence, Kind
from agent.doctor.gather import Examination, Plan, Subject, Tell
from agent.doctor.port import holders
from agent.doctor.tape import Tape
from agent.host import DeviceHost
from agent.i18n import use
from agent.registry import driver_named
from agent.wires import WireSpec

if TYPE_CHECKING:
    from agent.config.load import Configuration

CONFIG = Path("/etc/fieldgate/gateway.yaml")


@dataclass(slots=True)
class Visit:
    """Reads the settings anew at each examination: a step may have changed them."""

    name: str
    config: Path | None = None
    socket: Path | None = None
    listen: float = 3.0  # s
    speeds: bool = False  # also on a wire that the service uses
    tape: Tape = field(default_factory=Tape)
    _subjects: list[Subject] = field(default_factory=list)
    _framing: str = "rtu"

    async def examine(self, tell: Tell) -> Evidence:
        """Raises LinkLost when the service does not answer, Misconfigured."""
        logging.getLogger("agent.wires").setLevel(logging.ERROR)  # it is told in other words
        config = _loaded(self.config)
        spec = _spec(config, self.name)
        self._framing = spec.framing
        async with borrow(spec, self.socket or config.settings.control.socket) as lent:
            lent.taps.add(self.tape.note)
            devices = _devices(config, self.name)
            self._subjects = list(_probed(devices, lent.wire))
            known = _known(spec, lent, devices, self._subjects)
            plan = Plan(listen=self.listen, speeds=self._searches(spec, lent))
            if plan.speeds and lent.shared:
                tell("wait", self.name)
            found = await Examination(lent.wire, self.tape, known, self._subjects, plan, tell).run()
        tell("", "")
        return found

    def write(self, file: Path) -> list[Path]:
        """The capture of all examinations. Raises Misconfigured."""
        dissector = "mbtcp" if self._framing == "tcp" else "mbrtu"
        return capture.write(file, self.tape.pieces, self._meaning, dissector)

    def _searches(self, spec: WireSpec, lent: Lent) -> bool:
        """Only a port of our own can be set to other speeds."""
        return spec.port is not None and (self.speeds or not lent.shared)

    def _meaning(self, data: bytes) -> str:
        for subject in self._subjects:
            if frames := subject.probe.frames(data):
                return "; ".join(frames)
        return ""


def _loaded(file: Path | None) -> "Configuration":
    from agent.config.load import load

    config = load(file or CONFIG)
    use(config.settings.gateway.language)
    return config


def _spec(config: "Configuration", name: str) -> WireSpec:
    from agent.plan import wire_spec

    wires = config.settings.wires
    if name not in wires:
        raise Misconfigured(
            "no wire is called '{name}'",
            hint="the wires are: {known}",
            name=name,
            known=", ".join(sorted(wires)),
        )
    return wire_spec(name, wires[name])


def _devices(config: "Configuration", name: str) -> list[Device]:
    devices = [device for device in config.devices if device.wire == name]
    if not devices:
        raise Misconfigured(
            "no device hangs on the wire {wire}",
            hint="add one to `devices:` with `wire: {wire}`; to look for some: fieldgate scan",
            wire=name,
        )
    return devices


def _probed(devices: list[Device], wire: Wire) -> Iterator[Subject]:
    """Those that can be asked or heard."""
    clock = Clock()
    for device in devices:
        make = driver_named(device.driver).probe
        if make is None:
            continue
        probe = make(device, DeviceHost(device, clock, wire))
        if probe.questions or probe.speaks:
            yield Subject(device.id, probe)


def _known(spec: WireSpec, lent: Lent, devices: list[Device], subjects: list[Subject]) -> Evidence:
    kind: Kind = "serial" if spec.port is not None else "network"
    if kind == "network" and spec.framing == "rtu":
        kind = "converter"
    names = {subject.device for subject in subjects}
    if not names:
        raise Misconfigured(
            "no device on the wire {wire} gives answers that could be examined",
            hint="look at the devices themselves, or listen: fieldgate scan serial",
            wire=spec.name,
        )
    return Evidence(
        spec.name,
        kind=kind,
        line=spec.line,
        shared=lent.shared,
        ear=spec.echo,
        mute=tuple(s.device for s in subjects if not s.probe.questions),
        unknown=tuple(device.id for device in devices if device.id not in names),
        holders=holders(spec.port) if spec.port is not None and not lent.shared else (),
    )
