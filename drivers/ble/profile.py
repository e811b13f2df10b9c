"""What a profile of a Bluetooth device may say. A profile is data, not Python.

A device either advertises (its frames name a `service:` or `company:`) or is connected to (`steps:`
of writing, reading and being notified). Either way `frames:` say where values stand in the bytes.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agent.contract import Shelf
from agent.contract.settings import Id, Seconds, Strict

NAME = r"^[a-z0-9][a-z0-9_]{0,31}$"
Type = Literal["uint8", "int8", "uint16", "int16", "uint24", "uint32", "int32", "text", "hex"]
Order = Literal["little", "big"]


def _bytes(text: object) -> bytes:
    try:
        return bytes.fromhex(str(text))
    except ValueError as error:
        raise ValueError('write bytes in hexadecimal and in quotes, like "A0 1F"') from error


def _uuid(text: str) -> str:
    digits = text.replace("-", "")
    if len(digits) not in {4, 32} or set(digits.lower()) - set("0123456789abcdef"):
        raise ValueError('write a UUID as four hexadecimal digits in quotes, like "181A", or whole')
    return text.lower()


Hex = Annotated[bytes, BeforeValidator(_bytes, json_schema_input_type=str)]
Uuid = Annotated[str, AfterValidator(_uuid)]


class Part(Strict):
    """Some bits of one byte."""

    at: int = Field(ge=0, le=254)
    bit: int = Field(0, ge=0, le=7, description="Lowest.")
    bits: int = Field(1, ge=1, le=8)
    scale: float = 1.0


class Value(Strict):
    """Where a point's value stands in a frame: raw * scale + offset, and what is added to it."""

    at: int = Field(ge=0, le=254, description="Bytes from the start.")
    type: Type
    size: int | None = Field(None, ge=1, le=64, description="Of text or hex; else to the end.")
    order: Order | None = Field(None, description="Where it differs from the frame's.")
    bit: int | None = Field(None, ge=0, le=31, description="Lowest bit of a part.")
    bits: int = Field(1, ge=1, le=32, description="Width of that part; 1 makes a bool.")
    scale: float = 1.0
    offset: float = 0.0
    plus: Part | None = Field(None, description="The fraction, where it stands elsewhere.")
    positive: Part | None = Field(None, description="The bit without which it is negative.")
    fault: tuple[int, ...] = Field((), description="Raw values that mean: no value.")

    @property
    def is_text(self) -> bool:
        return self.type in {"text", "hex"}

    @property
    def is_bool(self) -> bool:
        return self.bit is not None and self.bits == 1


class Owner(Strict):
    at: int = Field(ge=0, le=254)
    reversed: bool = False


class Frame(Strict):
    service: Uuid | None = Field(None, description="Advertised service data of this UUID.")
    company: int | None = Field(None, ge=0, le=0xFFFF, description="Or manufacturer data.")
    size: tuple[int, ...] = Field(min_length=1, description="Bytes; every length that it may have.")
    order: Order = "little"
    match: dict[int, Hex] = Field({}, description="Position -> bytes that stand there.")
    not_ready: tuple[Hex, ...] = Field((), description="Beginnings that mean: no values yet.")
    counter: int | None = Field(None, ge=0, le=254, description="Position of a counting byte.")
    owner: Owner | None = Field(None, description="Where the device's address stands.")
    cipher: Literal["atc"] | None = None
    values: dict[Id, Value] = Field(min_length=1)

    @property
    def advertised(self) -> bool:
        return self.service is not None or self.company is not None


class Step(Strict):
    """Exactly one of `write`, `read` and `notify`: a characteristic."""

    write: Uuid | None = None
    hex: Hex | None = Field(None, description="What is written.")
    response: bool = Field(True, description="The device acknowledges the write.")
    read: Uuid | None = None
    notify: Uuid | None = Field(None, description="Waits for one notification.")
    frame: Annotated[str, Field(pattern=NAME)] | None = None
    every: Seconds | None = Field(None, description="Less often than the device is polled.")

    @model_validator(mode="after")
    def _one(self) -> "Step":
        if sum(one is not None for one in (self.write, self.read, self.notify)) != 1:
            raise ValueError("a step has one of `write:`, `read:` and `notify:`")
        if (self.write is None) != (self.hex is None):
            raise ValueError("`write:` and `hex:` go together")
        if (self.write is None) == (self.frame is None):
            raise ValueError("`read:` and `notify:` need `frame:`; `write:` has none")
        return self


class Point(Strict):
    unit: str = Field(description="UCUM, '1' for none.")
    range: tuple[float, float] | None = Field(None, description="Outside it: uncertain.")
    kind: Literal["measurement", "counter", "state", "text"] = "measurement"
    name: str = ""


class Profile(Strict):
    title: str
    title_zh: str = ""
    family: str = Field(pattern=NAME, description="Of which kind it is, for the list of devices.")
    source: tuple[str, ...] = Field(min_length=1, description="Manual and page: where from.")
    confidence: Literal["high", "medium"]
    notes: tuple[str, ...] = ()
    frames: dict[Annotated[str, Field(pattern=NAME)], Frame] = Field(min_length=1)
    steps: tuple[Step, ...] = Field((), description="Of a connection; none: it advertises.")
    points: dict[Id, Point] = Field(min_length=1)

    @property
    def connects(self) -> bool:
        return bool(self.steps)

    @property
    def encrypts(self) -> bool:
        return any(frame.cipher is not None for frame in self.frames.values())

    @model_validator(mode="after")
    def _sound(self) -> "Profile":
        used = {step.frame for step in self.steps if step.frame is not None}
        for name, frame in self.frames.items():
            if frame.advertised == self.connects:
                raise ValueError("a frame has `service:` or `company:`, or a step reads it")
            if self.connects and name not in used:
                raise ValueError(f"no step reads the frame {name}")
            if unknown := frame.values.keys() - self.points.keys():
                raise ValueError(f"frame {name}: `points:` has no {min(unknown)}")
        if unknown := used - self.frames.keys():
            raise ValueError(f"no frame is called {min(unknown)}")
        told = {point for frame in self.frames.values() for point in frame.values}
        if silent := self.points.keys() - told:
            raise ValueError(f"no frame has a value for {min(silent)}")
        return self


def load_profile(file: Path) -> Profile:
    """Raises pydantic.ValidationError or yaml.YAMLError, which carry where and why."""
    import yaml

    return Profile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


PROFILES = Shelf(load_profile)
