"""What a profile of a device with frames of its own may say. A profile is data, not Python."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from agent.contract import Line, Parity
from agent.contract.settings import Id, Seconds, Strict, Unit
from drivers.serial_line.layout import Name, Part, Value, has_body, joined, values_in

Kind = Literal["measurement", "counter", "state", "text"]
Code = int | str


class Point(Strict):
    """One value of the device, out of a field of a frame."""

    field: Name
    bit: int | None = Field(None, ge=0, le=63, description="Lowest bit of a part of the field.")
    bits: int = Field(1, ge=1, le=32, description="Width of that part; 1 makes a bool.")
    scale: float = 1.0
    offset: float = 0.0
    unit: Unit = Field(description="UCUM, '1' for none.")
    range: tuple[float, float] | None = Field(None, description="Outside it: uncertain.")
    fault: tuple[Code, ...] = Field((), description="Raw values that mean: no value.")
    enum: dict[Code, bool | str] = Field({}, description="Raw value -> word, or true and false.")
    kind: Kind = "measurement"
    quality: Literal["good", "uncertain"] = Field(
        "good", description="`uncertain` for values that are no real measurement."
    )
    name: str = ""
    write: Name | None = Field(None, description="One of `writes:`.")

    @property
    def is_bool(self) -> bool:
        one_bit = self.bit is not None and self.bits == 1 and not self.enum
        return one_bit or any(isinstance(word, bool) for word in self.enum.values())

    @model_validator(mode="after")
    def _sound(self) -> "Point":
        if self.scale == 0:
            raise ValueError("`scale: 0` would make every value the same")
        if self.bit is not None and self.write is not None:
            raise ValueError("a part of a field cannot be written; make the bits a field")
        return self


class Message(Strict):
    """What stands in the frame's body, and which fields have what value in this message."""

    body: tuple[Part, ...] = ()
    set: dict[Name, Code] = Field({}, description="A frame with other values is another message.")
    bits: dict[Name, tuple[int, int]] = Field(
        {}, description="field: [mask, value]; a frame with other bits there is another message."
    )
    note: str = ""


class Exchange(Strict):
    """A message that is sent, and the one that answers it."""

    send: Name
    answer: Name | None = Field(None, description="null: nothing answers.")
    refusal: Name | None = Field(None, description="The message that says no.")
    many: bool = Field(False, description="One answer for each detector.")


class Write(Exchange):
    """For points. Fields of the message that belong to other points keep what was last written."""

    refresh: bool = Field(
        False, description="Sent again at every poll: the device forgets it without power."
    )


class Setup(Exchange):
    """What sets the device itself up, or wears it out. No point is written by it."""

    guard: Literal["config", "dangerous"] = Field(
        "config", description="`dangerous`: flash memory, factory reset, things that move."
    )
    note: str = ""


class Heard(Strict):
    """What the device says unasked."""

    acknowledge: Name | None = Field(None, description="The message that answers it.")


class Assign(Strict):
    """How the device is given another address."""

    by: Name = Field(description="One of `config:`; it is addressed as ever.")
    field: Name = Field(description="The field of that message with the new address.")
    reserved_bytes: tuple[int, ...] = Field((), description="Bytes that no address may have.")


class Address(Strict):
    """Which field tells devices on one line apart."""

    field: Name
    factory: Code = Field(description="As it leaves the factory.")
    broadcast: Code | None = Field(None, description="Meant for all of them.")
    broadcast_answers: bool = Field(False, description="A single device answers even then.")
    assign: Assign | None = Field(None, description="null: not by a message.")


class Factory(Strict):
    """The line as it leaves the factory."""

    baud: int = 9600
    parity: Parity = "none"
    stop_bits: Literal[1, 2] = 1
    data_bits: Literal[7, 8] = 8

    @property
    def line(self) -> Line:
        return Line(self.baud, self.parity, self.stop_bits, self.data_bits)


class Timing(Strict):
    timeout: Annotated[Seconds, Field(gt=0)] = Field(0.5, description="For the answer.")
    guard: Seconds = Field(0.0, description="Silence before a request, beyond 3.5 characters.")
    max_late: Seconds = Field(1.0, description="How late an answer may still come.")
    warm_up: Seconds = Field(0.0, description="After power-on or a loss: values are uncertain.")
    heartbeat: Seconds | None = Field(
        None, description="A detector speaks at least so often; three times that is silence."
    )


class Preamble(Strict):
    """Bytes that wake the line up. Any number of them is heard, `send` are sent."""

    hex: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{2}$")]
    send: int = Field(0, ge=0, le=16)


class Profile(Strict):
    title: str
    title_zh: str = ""
    family: Literal["air", "co2", "water", "curtain", "sign", "parking", "other"]
    source: tuple[str, ...] = Field(min_length=1, description="Manual and table: where from.")
    confidence: Literal["high", "medium"]
    notes: tuple[str, ...] = ()
    line: Factory = Factory()
    timing: Timing = Timing()
    preamble: Preamble | None = None
    frame: tuple[Part, ...] = Field(min_length=1, description="What all messages share.")
    messages: dict[Name, Message] = Field(
        min_length=1, description="Of two of the same shape the first is meant."
    )
    address: Address | None = None
    detector: Name | None = Field(None, description="The field that says which detector it is.")
    polls: dict[Name, Exchange] = Field({}, description="Asked at every poll.")
    listens: dict[Name, Heard] = Field({}, description="Messages that come unasked.")
    writes: dict[Name, Write] = Field({}, description="What points are written by.")
    config: dict[Name, Setup] = Field({}, description="Never sent by a poll or a write.")
    points: dict[Id, Point] = Field(min_length=1)

    def parts(self, message: str) -> tuple[Part, ...]:
        return joined(self.frame, self.messages[message].body)

    def values(self, message: str) -> dict[str, Value]:
        return values_in(self.parts(message))

    def exchanges(self) -> Iterator[Exchange]:
        yield from self.polls.values()
        yield from self.writes.values()
        yield from self.config.values()

    def answers(self) -> set[str]:
        """Messages that a device sends when it is asked."""
        named = [name for one in self.exchanges() for name in (one.answer, one.refusal)]
        return {name for name in named if name is not None}

    @model_validator(mode="after")
    def _named(self) -> "Profile":
        acknowledged = [heard.acknowledge for heard in self.listens.values()]
        used = [one.send for one in self.exchanges()]
        for name in (*used, *self.answers(), *self.listens, *filter(None, acknowledged)):
            if name not in self.messages:
                raise ValueError(f"no message is called '{name}'; see `messages:`")
        for name, message in self.messages.items():
            if unknown := {*message.set, *message.bits} - self.values(name).keys():
                raise ValueError(f"message {name}: no field is called '{min(unknown)}'")
            if not self.parts(name):
                raise ValueError(f"message {name} is empty")
            if message.body and not has_body(self.frame):
                raise ValueError("messages have a `body:`, but the frame has no place for it")
        return self

    @model_validator(mode="after")
    def _sourced(self) -> "Profile":
        sources = [*self.listens, *(poll.answer for poll in self.polls.values())]
        heard = {field for name in sources if name for field in self.values(name)}
        for name, point in self.points.items():
            if point.write is None and point.field not in heard:
                raise ValueError(f"{name}: no message that is heard has a field '{point.field}'")
            if point.write is not None and point.write not in self.writes:
                raise ValueError(f"{name}: `write:` names none of `writes:`")
            if point.write and point.field not in self.values(self.writes[point.write].send):
                raise ValueError(f"{name}: what is written has no field '{point.field}'")
        for special in filter(None, (self.detector, self.address and self.address.field)):
            if not any(special in self.values(name) for name in self.messages):
                raise ValueError(f"no message has a field '{special}'")
        return self

    @model_validator(mode="after")
    def _assigned(self) -> "Profile":
        if self.address is None or self.address.assign is None:
            return self
        assign = self.address.assign
        if assign.by not in self.config:
            raise ValueError("`assign:` names none of `config:`")
        field = assign.field
        if field not in self.values(self.config[assign.by].send):
            raise ValueError(f"what assigns an address has no field '{field}'")
        return self

    @model_validator(mode="after")
    def _safe(self) -> "Profile":
        if bool(self.polls or self.writes) == bool(self.listens):
            raise ValueError("a device is either asked (`polls:`, `writes:`) or heard (`listens:`)")
        if self.listens and self.timing.heartbeat is None:
            raise ValueError("`listens:` needs `heartbeat:` under `timing:`, to know silence")
        dangerous = {one.send for one in self.config.values() if one.guard == "dangerous"}
        for one in (*self.polls.values(), *self.writes.values()):
            if one.send in dangerous:
                raise ValueError(f"'{one.send}' is dangerous: only `config:` may send it")
        answers = [poll.answer for poll in self.polls.values()]
        if len(set(answers)) < len(answers):
            raise ValueError("two polls have one answer: a late one would pass for the other's")
        return self


def load_profile(file: Path) -> Profile:
    """Raises pydantic.ValidationError or yaml.YAMLError, which carry where and why."""
    import yaml

    return Profile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
