"""What a driver is: something that turns one device into readings."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from agent.contract.addressing import Addressing
from agent.contract.child import Child, ChildLimits
from agent.contract.device import Device, PointInfo
from agent.contract.probe import Probe
from agent.contract.reading import Event, Instant, Reading, Value
from agent.contract.scan import Scan
from agent.contract.wire import Wire

if TYPE_CHECKING:
    from pydantic import BaseModel

T = TypeVar("T")
M = TypeVar("M", bound="BaseModel")


class Driver(Protocol):
    """Made without I/O, opened once, closed once, never used by two tasks at a time."""

    @property
    def points(self) -> Sequence[PointInfo]:
        """What the device can say; known before `open`."""

    async def open(self) -> None:
        """Prepare. Raises LinkLost (will be retried) or Misconfigured (will not)."""

    async def close(self) -> None:
        """Let go. Safe to call twice, and after a failed `open`."""


@runtime_checkable
class PolledDriver(Driver, Protocol):
    async def read(self) -> Sequence[Reading]:
        """One sample of every point. Raises LinkLost or DeviceFault when no point could be read;
        where only some could, the others come back with quality bad and a reason."""


class StreamingDriver(Driver, Protocol):
    def readings(self) -> AsyncIterator[Reading | Event]:
        """As they arrive: advertisements, unsolicited frames."""


@runtime_checkable
class Raw(Protocol):
    """A driver that can show what was on the wire: `fieldgate read` prints it."""

    def raw(self) -> Mapping[str, str]:
        """For each point of the last read, the words or bytes that it came from, as hex."""


@runtime_checkable
class Shows(Protocol):
    """A driver of a device that sees."""

    async def snapshot(self) -> bytes:
        """What it sees now, as JPEG, without what must not be seen. Raises LinkLost."""


class Writable(Protocol):
    async def write(self, point: str, value: Value) -> Reading:
        """Returns the read-back. Raises DeviceFault when the device refuses."""


@runtime_checkable
class Replaceable(Protocol):
    """A driver that remembers which piece of hardware it talks to."""

    def replaced(self) -> None:
        """Another one answers from now on, and that is meant."""


class Host(Protocol):
    """All that a driver is given, for one device."""

    @property
    def state(self) -> MutableMapping[str, str]:
        """Survives a restart; written at most once a minute and at stop."""

    def now(self) -> Instant: ...

    def wire(self) -> Wire:
        """The device's wire. Raises Misconfigured when it has none."""

    def profile(self, name: str) -> Path:
        """Site profiles come before shipped ones. Raises Misconfigured when there is none."""

    def zones(self, name: str) -> Path:
        """The file of that name that says what lies where in a camera's view; it may not exist."""

    def read(self, file: Path, model: type[M]) -> M:
        """A YAML file. Raises Misconfigured, with file, line and what to do for each mistake."""

    def model(self, task: str) -> Path:
        """The folder with the model and the card that are in use for a task.
        Raises Misconfigured when there is none."""

    def candidate(self, task: str) -> Path | None:
        """The folder of a model that is on trial beside the one in use."""

    def secret(self, file: Path) -> bytes:
        """Raises Misconfigured when it cannot be read."""

    async def child(self, argv: Sequence[str], limits: ChildLimits) -> Child:
        """A process of the device's own: Python with these words (`-m`, a module, …)."""

    async def blocking(self, call: Callable[[], T]) -> T:
        """Runs on one named thread of the device's own."""


class Simulator(Protocol):
    """Answers on a wire as devices would."""

    def hear(self, data: bytes) -> Sequence[bytes]:
        """Feed what was heard; returns the answers to every request completed by it."""


@runtime_checkable
class Talker(Simulator, Protocol):
    """A simulator of devices that speak unasked."""

    def speak(self) -> tuple[Sequence[bytes], float]:
        """What they say now, and after how many seconds to ask again."""


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """What an entry point in the group `fieldgate.drivers` exports as DRIVER.

    `simulate` takes the devices of one wire, a host for each, and the framing of that wire.
    `profile` is the model of the files that a device's `profile:` names.
    `address` takes a profile's name, its file and a wire; it raises Misconfigured where the profile
    does not say how an id is set.
    `commands` maps a command's name to "module:function", which takes the words after the name and
    `Tools`, and returns the exit code; --help lists them without importing the module.
    `wired`: every device of it hangs on one of `wires:`.
    `scan` looks for devices on a wire.
    `inspect` reads what a device has, by the driver's own name for it (`holding:0:10`), and changes
    nothing: (name, two bytes of a register or one of a bit) each. It raises Misconfigured where it
    knows no such name, LinkLost, DeviceFault.
    `probe` is how `fieldgate doctor bus` examines a device; it raises Misconfigured as `make` does.
    """

    name: str
    summary: str
    settings: "type[BaseModel]"
    make: Callable[[Device, Host], PolledDriver | StreamingDriver]
    simulate: Callable[[Sequence[tuple[Device, Host]], str], Simulator] | None = None
    commands: Mapping[str, str] = field(default_factory=dict)
    profile: "type[BaseModel] | None" = None
    wired: bool = False
    scan: Scan | None = None
    address: Callable[[str, Path, Wire], Addressing] | None = None
    probe: Callable[[Device, Host], Probe] | None = None
    inspect: Callable[[Device, Host, str], Awaitable[Sequence[tuple[str, bytes]]]] | None = None
