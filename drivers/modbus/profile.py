"""What a Modbus device profile may say. A profile is data: a new sensor needs no Python."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from agent.contract import Line, Parity
from agent.contract.settings import Id, Seconds, Strict, Unit

Table = Literal["coil", "discrete", "input", "holding"]
Order = Literal["high_first", "low_first"]
Kind = Literal["measurement", "counter", "state", "text"]


def _several(value: Any) -> Any:
    """One may be written without brackets."""
    return value if isinstance(value, list | tuple) else (value,)


Several = BeforeValidator(_several)

WIDTHS = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
}


class Write(Strict):
    """How a point may be written, and how dangerous that is."""

    function: Literal[5, 6, 15, 16]
    guard: Literal["actuate", "config", "dangerous"] = "actuate"
    words: dict[int, int] = Field(
        {}, description="Word that reads back -> the one that is written for it, if another."
    )

    def sent(self, words: list[int]) -> list[int]:
        """What is written so that these words read back."""
        return [self.words.get(word, word) for word in words]

    def taken(self, sent: int) -> int:
        """What reads back once that word was written."""
        return next((word for word, command in self.words.items() if command == sent), sent)


class Point(Strict):
    """One value. `address` is the protocol's 0-based number, not 30001 or 40001."""

    table: Table
    address: int = Field(ge=0, le=0xFFFF)
    type: Literal[
        "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
        "bcd", "ascii",
    ] = "bool"  # fmt: skip
    length: int = Field(1, ge=1, le=125, description="Registers; only bcd and ascii choose it.")
    words: Order = Field("high_first", description="Which of several registers comes first.")
    bytes: Order = Field("high_first", description="Which byte of a register comes first.")
    bit: int | None = Field(None, ge=0, le=63, description="Lowest bit of a field in a register.")
    bits: int = Field(1, ge=1, le=32, description="Width of that field; 1 makes a bool.")
    scale: float = 1.0
    offset: float = 0.0
    unit: Unit = Field(description="UCUM, '1' for none.")
    range: tuple[float, float] | None = Field(None, description="Outside it: uncertain.")
    fault: Annotated[tuple[int, ...], Several] = Field(
        (), description="Raw (unsigned) values that mean: no value."
    )
    enum: dict[int, str] = Field({}, description="Raw value -> word.")
    kind: Kind = "measurement"
    modulus: int | None = Field(None, ge=2, description="Raw value at which a counter wraps.")
    quality: Literal["good", "uncertain"] = Field(
        "good", description="`uncertain` for values that are no real measurement."
    )
    name: str = ""
    write: Write | None = None

    @property
    def is_bit(self) -> bool:
        return self.table in {"coil", "discrete"}

    @property
    def width(self) -> int:
        """Registers, or coils, that the value occupies."""
        return 1 if self.is_bit else WIDTHS.get(self.type, self.length)

    @model_validator(mode="after")
    def _sound(self) -> "Point":
        if self.is_bit and self.type != "bool":
            raise ValueError("a coil or discrete input is a bool; leave `type:` out")
        if not self.is_bit and self.type == "bool" and self.bit is None:
            raise ValueError("a register needs `type:`, or `bit:` for one bit of it")
        if self.length != 1 and self.type not in {"bcd", "ascii"}:
            raise ValueError("`length:` is for bcd and ascii; the other types know theirs")
        if self.modulus is not None and self.kind != "counter":
            raise ValueError("`modulus:` is for `kind: counter`")
        if self.address + self.width > 0x10000:
            raise ValueError("the value would end behind the last register, 65535")
        return self

    @model_validator(mode="after")
    def _writable(self) -> "Point":
        if self.write is None:
            return self
        if self.table not in {"coil", "holding"}:
            raise ValueError("only coils and holding registers can be written")
        if (self.write.function in {5, 15}) != self.is_bit:
            raise ValueError("functions 5 and 15 write coils, 6 and 16 holding registers")
        if self.write.function == 6 and self.width > 1:
            raise ValueError("function 6 writes one register; use 16")
        return self

    @model_validator(mode="after")
    def _fits(self) -> "Point":
        size = 16 * self.width
        if self.bit is not None and (self.is_bit or self.bit + self.bits > size):
            raise ValueError(f"`bit:` and `bits:` name a field within {size} bits of a register")
        if any(not 0 <= fault < 1 << size for fault in self.fault):
            raise ValueError(f"`fault:` lists raw values without a sign, of at most {size} bits")
        if self.scale == 0:
            raise ValueError("`scale: 0` would make every value the same")
        return self


class Factory(Strict):
    """The line as it leaves the factory."""

    baud: int = 9600
    parity: Parity = "none"
    stop_bits: Literal[1, 2] = 1
    data_bits: Literal[7, 8] = 8
    unit: int = Field(1, ge=1, le=255)

    @property
    def line(self) -> Line:
        return Line(self.baud, self.parity, self.stop_bits, self.data_bits)


class Timing(Strict):
    timeout: Annotated[Seconds, Field(gt=0)] = Field(0.5, description="For the first answer.")
    guard: Seconds = Field(0.0, description="Silence before a request, beyond 3.5 characters.")
    max_late: Seconds = Field(1.0, description="How late an answer may still come.")
    warm_up: Seconds = Field(0.0, description="After power-on or a loss: values are uncertain.")
    latency: Seconds = Field(0.01, description="Typical time from request to answer.")


class Limits(Strict):
    registers: int = Field(125, ge=1, le=125, description="In one read.")
    bits: int = Field(2000, ge=1, le=2000, description="In one read.")
    align: Literal[1, 2] = Field(1, description="2: only even addresses and counts.")


class Extent(Strict):
    """Registers that exist beside those of the points: a read may run through them."""

    table: Table
    first: int = Field(ge=0, le=0xFFFF)
    last: int = Field(ge=0, le=0xFFFF)


class Canary(Strict):
    """A harmless read whose count differs from every other; asked after a fault."""

    table: Table
    address: int = Field(ge=0, le=0xFFFF)
    count: int = Field(ge=1, le=125)


class Setting(Strict):
    """A register that sets the device itself up: unit id, speed. Never written by polling."""

    table: Literal["holding", "coil"] = "holding"
    address: int = Field(ge=0, le=0xFFFF)
    type: Literal["uint16", "int16", "float32"] = "uint16"
    function: Literal[5, 6, 16] = 6
    scale: float = 1.0
    unit: Unit = "1"
    values: dict[int, str | int | float] = Field({}, description="Raw value -> meaning.")
    range: tuple[float, float] | None = None
    note: str = ""


class Address(Strict):
    """How the device is given another unit id: by writing the setting `unit_id`."""

    takes_effect: Literal["at_once", "power_cycle", "unknown"] = "unknown"
    functions: Annotated[tuple[Literal[6, 16], ...], Several] = Field(
        (), description="Tried in turn where documents differ; default: the setting's."
    )
    to_all: bool = Field(
        False, description="Written to unit 0, which every device on the wire obeys."
    )
    reserved: Annotated[tuple[int, ...], Several] = Field(
        (), description="Unit ids that must not be given."
    )
    note: str = Field("", description="What has to be done beside, for the technician.")
    note_zh: str = ""


class Profile(Strict):
    title: str
    title_zh: str = ""
    family: Literal[
        "soil", "air", "co2", "light", "weather", "water", "relay", "energy", "other"
    ] = "other"
    source: Annotated[tuple[str, ...], Several] = Field(
        min_length=1, description="Manual and table: where from."
    )
    confidence: Literal["high", "medium"] = "medium"
    notes: Annotated[tuple[str, ...], Several] = ()
    line: Factory = Factory()
    timing: Timing = Timing()
    limits: Limits = Limits()
    readable: tuple[Extent, ...] = ()
    canary: Canary | None = None
    points: dict[Id, Point] = Field(min_length=1)
    identity: dict[Id, Point] = Field(
        {}, description="What tells one device from another of its kind; asked after a silence."
    )
    settings: dict[Id, Setting] = Field({}, description="Registers that set the device up.")
    address: Address | None = Field(None, description="How the unit id is set; None: unknown.")

    @model_validator(mode="after")
    def _readable(self) -> "Profile":
        align = self.limits.align
        for name, point in self.points.items():
            first, end = point.address, point.address + point.width
            aligned = end + end % align - (first - first % align)
            if not point.is_bit and aligned > self.limits.registers:
                raise ValueError(f"{name} needs more registers than `limits:` allows in one read")
        return self

    @model_validator(mode="after")
    def _addressed(self) -> "Profile":
        if self.address is not None and "unit_id" not in self.settings:
            raise ValueError("`address:` needs the register of the id: `settings: {unit_id: …}`")
        return self


def load_profile(file: Path) -> Profile:
    """Raises pydantic.ValidationError or yaml.YAMLError, which carry where and why."""
    import yaml

    return Profile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
