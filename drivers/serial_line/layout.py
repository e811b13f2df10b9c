"""The parts that a frame is made of, as a profile lists them. Each part is told by its first key:

{hex: "FF 01"}  {text: "#"}          the same in every frame
{field: co2, size: 2}                a value, by its name
{skip: 3}                            bytes of no interest
{length: 1}                          how many bytes follow, up to the checksum
{check: sum8, first: 1}              the checksum
{repeat: [...], count: number}       a group of parts, once for each detector
{body: true}                         where a message's own parts go
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from agent.contract.settings import Strict
from drivers.serial_line.checks import ALIASES, CHECKS, CheckName

Order = Literal["high_first", "low_first"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
FieldType = Literal["uint", "int", "float", "bcd", "raw", "decimal", "hex", "text"]

CHARACTERS = frozenset({"decimal", "hex", "text"})


def _hex(value: str) -> bytes:
    try:
        found = bytes.fromhex(value)
    except ValueError:
        found = b""
    if not found:
        raise ValueError("write bytes as pairs of hexadecimal digits, like 'FF 01'")
    return found


class Fixed(Strict):
    """Bytes that are the same in every frame."""

    hex: str = Field(description="Like 'FF 01'.")

    @property
    def data(self) -> bytes:
        return _hex(self.hex)

    @model_validator(mode="after")
    def _readable(self) -> "Fixed":
        _hex(self.hex)
        return self


class Text(Strict):
    """Characters that are the same in every frame."""

    text: str = Field(min_length=1, description="ASCII; '\\r\\n' ends a line.")

    @property
    def data(self) -> bytes:
        return self.text.encode("ascii")

    @model_validator(mode="after")
    def _ascii(self) -> "Text":
        if not self.text.isascii():
            raise ValueError("fixed text is ASCII; write other characters as `hex:`")
        return self


class Value(Strict):
    """A value by its name. uint, int, float, bcd and raw are bytes; decimal (digits with an
    optional sign and point), hex and text are characters."""

    field: Name
    type: FieldType = "uint"
    size: int | None = Field(
        1, ge=1, le=64, description="Bytes or characters; null: up to the next fixed part, or "
        "what a length says.",
    )  # fmt: skip
    order: Order = Field("high_first", description="Which byte comes first.")
    encoding: Literal["ascii", "utf-8", "gbk"] = Field("ascii", description="Of `type: text`.")
    longest: int = Field(64, ge=1, le=255, description="Bytes, where `size: null`.")
    default: int | str | None = Field(None, description="Sent where nobody says otherwise.")
    counts: bool = Field(False, description="Goes up by one with every request.")

    @model_validator(mode="after")
    def _sound(self) -> "Value":
        if self.type == "float" and self.size not in {4, 8}:
            raise ValueError("a float has `size: 4` or `size: 8`")
        if self.size is None and self.type not in {*CHARACTERS, "raw"}:
            raise ValueError("`size: null` is for raw, decimal, hex and text")
        if self.counts and (self.type != "uint" or self.size is None):
            raise ValueError("`counts:` is for `type: uint`")
        return self


class Skip(Strict):
    skip: int = Field(ge=1, le=64, description="Bytes of no interest.")
    fill: int = Field(0, ge=0, le=255, description="What they are when we send them.")


class Length(Strict):
    """Counts the bytes after it, up to the checksum or the end; or those of one field."""

    length: Literal[1, 2, 4] = Field(description="Its own bytes.")
    order: Order = "high_first"
    of: Name | None = Field(None, description="Counts only this field.")
    add: int = Field(0, ge=-16, le=16, description="Bytes that it counts beside these.")


class Check(Strict):
    """Covers the frame from its byte `first` on, up to itself less `uncovered`."""

    check: CheckName
    size: Literal[1, 2] | None = Field(None, description="Bytes; only for auto and none.")
    order: Order = "low_first"
    first: int = Field(0, ge=0, le=16)
    uncovered: int = Field(0, ge=0, le=4, description="Bytes before it that it leaves out.")
    text: bool = Field(False, description="Two hexadecimal characters for each byte.")

    @property
    def width(self) -> int:
        """Bytes, before they are written as characters."""
        own = CHECKS.get(ALIASES.get(self.check, self.check))
        return own[0] if own else self.size or 1

    @model_validator(mode="after")
    def _sized(self) -> "Check":
        if (self.check in {"auto", "none"}) != (self.size is not None):
            raise ValueError("`size:` goes with `check: auto` and `check: none`, and with no other")
        return self


class Body(Strict):
    """Where a message's own parts go."""

    body: Literal[True] | int = Field(description="true, or its bytes if they are always as many.")


class Repeat(Strict):
    """The same parts again and again: a detector each."""

    repeat: tuple["Part", ...] = Field(min_length=1)
    count: int | Name | None = Field(
        None, description="How often, or the field that says so; null: to the end."
    )


class Digits(Strict):
    """Parts whose bytes are written as two hexadecimal characters each."""

    digits: tuple["Part", ...] = Field(min_length=1)
    longest: int = Field(255, ge=1, le=255, description="Bytes, before the next fixed part.")


class Tagged(Strict):
    """Values to the end of the body, each behind its tag and length; unknown ones are skipped."""

    tagged: dict[int, tuple["Part", ...]] = Field(min_length=1, description="Tag -> parts.")
    tag: Literal[1, 2] = Field(1, description="Bytes of a tag, high first.")
    size: Literal[1, 2] = Field(1, description="Bytes of a length, high first.")


_KINDS = (
    "check", "field", "hex", "text", "skip", "length", "body", "repeat", "digits", "tagged",
)  # fmt: skip


def _kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((kind for kind in _KINDS if kind in keys), None)


Part = Annotated[
    Annotated[Fixed, Tag("hex")]
    | Annotated[Text, Tag("text")]
    | Annotated[Value, Tag("field")]
    | Annotated[Skip, Tag("skip")]
    | Annotated[Length, Tag("length")]
    | Annotated[Check, Tag("check")]
    | Annotated[Body, Tag("body")]
    | Annotated[Repeat, Tag("repeat")]
    | Annotated[Digits, Tag("digits")]
    | Annotated[Tagged, Tag("tagged")],
    Discriminator(
        _kind,
        custom_error_type="part",
        custom_error_message="a part has one of hex, text, field, skip, length, check, body, "
        "repeat, digits, tagged as a key",
    ),
]

Repeat.model_rebuild()
Digits.model_rebuild()
Tagged.model_rebuild()


def values_in(parts: tuple[Part, ...]) -> dict[str, Value]:
    """All values by their names, those within groups too."""
    found: dict[str, Value] = {}
    for part in parts:
        if isinstance(part, Value):
            found[part.field] = part
        elif isinstance(part, Repeat):
            found |= values_in(part.repeat)
        elif isinstance(part, Digits):
            found |= values_in(part.digits)
        elif isinstance(part, Tagged):
            for inner in part.tagged.values():
                found |= values_in(inner)
    return found


def joined(frame: tuple[Part, ...], body: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts of a whole message."""
    found: list[Part] = []
    for part in frame:
        if isinstance(part, Body):
            found += body
        elif isinstance(part, Digits):
            found.append(part.model_copy(update={"digits": joined(part.digits, body)}))
        else:
            found.append(part)
    return tuple(found)


def has_body(frame: tuple[Part, ...]) -> bool:
    return any(
        isinstance(part, Body) or (isinstance(part, Digits) and has_body(part.digits))
        for part in frame
    )
