"""What a device's entry in the configuration may say when its driver is `serial_line`."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from agent.contract.settings import LineOverride, Seconds, Strict
from drivers.serial_line.checks import CheckName

_SPAN = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_UDP = re.compile(r"udp://[^\s:/@]+:([0-9]{1,5})")
_LABEL = re.compile(r"[a-z0-9]{1,16}")
MOST = 1000  # detectors of one device


def _detectors(value: Any) -> Any:
    """A list of numbers and spans, or label -> key; becomes label -> key."""
    if isinstance(value, list | tuple):
        value = {str(number): number for item in value for number in _numbers(item)}
    if not isinstance(value, dict) or not 0 < len(value) <= MOST:
        raise ValueError("list detectors like [1, 2, 5-20], or name each like a17: 'F00A12'")
    for label in value:
        if not isinstance(label, str | int) or not _LABEL.fullmatch(str(label)):
            raise ValueError("a detector's label has 1 to 16 characters of a-z and 0-9")
    return {str(label): key for label, key in value.items()}


def _numbers(item: Any) -> range:
    span = _SPAN.fullmatch(item) if isinstance(item, str) else None
    if span:
        return range(int(span[1]), int(span[2]) + 1)
    if isinstance(item, bool) or not isinstance(item, int):
        raise ValueError("a list of detectors has numbers and spans, like [1, 2, 5-20]")
    return range(item, item + 1)


def _udp(value: Any) -> Any:
    match = _UDP.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 0 < int(match[1]) < 65536:
        raise ValueError("write a UDP address like udp://10.0.0.2:5000")
    return value


Udp = Annotated[str, BeforeValidator(_udp, json_schema_input_type=str)]


class SerialLineSettings(Strict):
    profile: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the device's profile, without .yaml.",
    )
    address: int | str | None = Field(
        None, description="The device's own; default: as it leaves the factory."
    )
    fields: dict[str, int | str] = Field(
        {}, description="Raw values that requests carry where the profile's do not fit."
    )
    detectors: Annotated[
        dict[str, int | str],
        BeforeValidator(
            _detectors, json_schema_input_type=dict[str, int | str] | list[int | str]
        ),
    ] | None = Field(
        None, description="Those behind a receiver: [1, 2, 5-20], or {label: key}."
    )  # fmt: skip
    points: tuple[str, ...] | None = Field(
        None, min_length=1, description="Only these points of the profile; default: all."
    )
    line: LineOverride | None = Field(
        None, description="Line settings of this device where they differ from its wire's."
    )
    connect: Udp | None = Field(
        None, description="Instead of a wire: a device that is asked by UDP, udp://address:port."
    )
    listen: Udp | None = Field(
        None, description="Instead of a wire: frames that come by UDP, to an address of ours."
    )
    check: CheckName | None = Field(
        None, description="Checksum, where devices of one kind differ; auto finds it out."
    )
    timeout: Annotated[Seconds, Field(gt=0, le=60)] | None = Field(
        None, description="For an answer; default: the profile's."
    )
    guard: Annotated[Seconds, Field(le=5)] | None = Field(
        None, description="Silence before a request; default: the profile's."
    )
    max_late: Annotated[Seconds, Field(le=60)] | None = Field(
        None, description="How late a lost answer may still come; default: the profile's."
    )
    warm_up: Annotated[Seconds, Field(le=86400)] | None = Field(
        None, description="Values are uncertain so long after contact; default: the profile's."
    )
    silent_after: Annotated[Seconds, Field(gt=0, le=30 * 86400)] | None = Field(
        None, description="A detector unheard so long is bad; default: three heartbeats."
    )
