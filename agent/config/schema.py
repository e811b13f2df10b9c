"""The gateway's settings: one field, one meaning, one unit."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from agent.config.parking import ParkingSettings
from agent.contract import Line, Parity
from agent.contract.settings import Bytes, Id, Seconds, Strict

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[^\s:/@\[\]]+):([0-9]{1,5})")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _folder(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("write the whole path, from / on")
    return value


def _is_address(value: str, lowest: int) -> bool:
    match = _HOST_PORT.fullmatch(value)
    return match is not None and lowest <= int(match[2]) < 65536


def _peer(value: str) -> str:
    if not _is_address(value, 1):
        raise ValueError("write host:port, like 10.0.0.5:502 or [fe80::1]:502")
    return value


def _listen(value: str) -> str:
    if not _is_address(value, 0):
        raise ValueError("write host:port, like 127.0.0.1:9464, or null for none")
    return value


def _device_file(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("write the adapter's file, like /dev/serial/by-id/…; ls /dev/serial/by-id")
    return value


def _led(value: str) -> str:
    if not value or "/" in value or value.startswith("."):
        raise ValueError("write a name in /sys/class/leds, like ACT, or none, or auto")
    return value


def _broker(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"mqtt", "mqtts"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("write a broker as mqtts://host:8883 (or mqtt://host:1883 on loopback)")
    if parts.username is not None or parts.password is not None:
        raise ValueError("no user or password in an address; use `username:` and `password_file:`")
    return value


def _topic(value: str) -> str:
    fixed = value.replace("{gateway}", "")
    if "{" in fixed or "}" in fixed:
        raise ValueError("only {gateway} may stand in braces")
    if not value.strip("/") or value.startswith("$") or set("+#\0") & set(value):
        raise ValueError("write a topic without + and #, like fieldgate/{gateway}")
    return value


def _version(value: Any) -> Any:
    return "5" if value == 5 and not isinstance(value, bool) else value


Folder = Annotated[Path, AfterValidator(_folder)]
Broker = Annotated[str, AfterValidator(_broker)]


class Gateway(Strict):
    id: Id | None = Field(None, description="Default: a short hash of the machine-id.")
    name: str = Field("", description="Free text, Chinese welcome; travels in the catalogue.")
    language: Literal["auto", "en", "zh"] = Field("auto", description="Of words for people.")


class Commit(Strict):
    every: Annotated[Seconds, Field(ge=0.05, le=60)] = Field(
        1.0, description="At most this much is lost when the power fails."
    )
    records: int = Field(200, ge=1, le=10_000, description="Commit earlier when this many wait.")


class Media(Strict):
    """Pictures are personal data: they go in time, sent or not."""

    max_age: Annotated[Seconds, Field(gt=0)] = Field(7 * 86400.0, description="Of a picture.")
    max_size: Annotated[Bytes, Field(ge=10**6)] = Field(
        500 * 10**6, description="Of all pictures together; oldest go first."
    )
    max_count: int = Field(5000, ge=1, le=1_000_000, description="Pictures at most.")


class Store(Strict):
    path: Folder = Field(Path("/var/lib/fieldgate"), description="All that the service writes.")
    max_size: Annotated[Bytes, Field(ge=10**6)] = Field(
        2 * 10**9, description="Of the buffer; oldest go first."
    )
    max_age: Annotated[Seconds, Field(gt=0)] = Field(
        30 * 86400.0, description="Older records are evicted, sent or not."
    )
    keep_settled: Seconds = Field(
        86400.0, description="What the broker acknowledged stays this long for replay."
    )
    commit: Commit = Field(Commit(), description="When records are made safe on disk.")
    flushes: float = Field(
        5.0,
        gt=0,
        le=1000,
        allow_inf_nan=False,
        description="At most this many commits a second, events included.",
    )
    media: Media = Field(Media(), description="Pictures of events.")


class WireSettings(Strict):
    """Exactly one of `port` (serial) and `connect` (TCP)."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["port"]}, {"required": ["connect"]}]}
    )

    port: Annotated[str, AfterValidator(_device_file)] | None = Field(
        None, description="/dev/serial/by-id/… or by-path/…"
    )
    connect: Annotated[str, AfterValidator(_peer)] | None = Field(None, description="host:port")
    framing: Literal["rtu", "tcp"] | None = Field(
        None, description="TCP only: `tcp` (Modbus TCP, the default) or `rtu` (RTU over TCP)."
    )
    baud: int = Field(9600, ge=300, le=1_000_000, description="Bits per second.")
    parity: Parity = Field("none", description="none, even or odd.")
    stop_bits: Literal[1, 2] = 1
    data_bits: Literal[7, 8] = 8
    guard: Annotated[Seconds, Field(le=5)] = Field(
        0.0, description="Silence before each request, if longer than 3.5 characters."
    )
    echo: bool = Field(False, description="The adapter hears what it sends.")

    @property
    def line(self) -> Line:
        return Line(self.baud, self.parity, self.stop_bits, self.data_bits)

    @model_validator(mode="after")
    def _one_end(self) -> "WireSettings":
        if (self.port is None) == (self.connect is None):
            raise ValueError("give either `port:` (serial) or `connect:` (host:port)")
        if self.port is not None and self.framing == "tcp":
            raise ValueError("leave `framing:` out: a serial port always speaks rtu")
        return self


class DeviceSettings(BaseModel):
    """What every device has; all other keys beside these are its driver's own."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    id: Id = Field(description="Never changes; topics and records carry it.")
    driver: str = Field(description="One of `fieldgate check --drivers`.")
    name: str = Field("", description="Free text, Chinese welcome.")
    place: str = Field("", description="Free text: where it hangs.")
    wire: Id | None = Field(None, description="One of `wires:`.")
    every: Annotated[Seconds, Field(ge=0.05, le=86400)] = Field(
        10.0, description="Between two samples."
    )
    maintenance: Annotated[Seconds, Field(gt=0, le=7 * 86400)] | None = Field(
        None,
        description="Somebody works on it: so long from the reload that brings this, its data is "
        "marked and no alarm is raised.",
    )

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})


class Tls(Strict):
    ca_file: Path | None = Field(None, description="The CA that the broker must be signed by.")
    cert_file: Path | None = Field(None, description="Who we are; goes with `key_file`.")
    key_file: Path | None = Field(None, description="The secret of `cert_file`.")

    @model_validator(mode="after")
    def _pair(self) -> "Tls":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("`cert_file:` and `key_file:` go together; write both or none")
        return self


class UplinkSettings(Strict):
    id: Id = Field(description="Never changes; the buffer counts by it what is owed.")
    brokers: list[Broker] = Field(min_length=1, description="Tried in turn.")
    client_id: str | None = Field(
        None, min_length=1, description="Default: fieldgate-<gateway>-<uplink>."
    )
    username: str | None = Field(None, min_length=1, description="As whom to log in.")
    password_file: Path | None = Field(None, description="Secrets come from files only.")
    tls: Tls = Field(Tls(), description="For mqtts://; without it the system's CAs are trusted.")
    allow_plaintext: bool = Field(
        False, description="mqtt:// to another machine: readings and password travel in the clear."
    )
    mqtt: Annotated[
        Literal["5", "3.1.1"],
        BeforeValidator(_version, json_schema_input_type=Literal["5", "3.1.1", 5]),
    ] = Field("5", description="Version of the protocol.")
    root: Annotated[str, AfterValidator(_topic)] = Field(
        "fieldgate/{gateway}", description="Topic template."
    )
    encoding: Literal["json", "cbor"] = Field("json", description="cbor takes half the bytes.")
    batch: int = Field(200, ge=1, le=5000, description="Records in one pack at most.")
    window: int = Field(20, ge=1, le=100, description="Packs in flight at most.")
    keepalive: Annotated[Seconds, Field(ge=5, le=3600)] = Field(
        60.0, description="A sign of life to the broker at least this often."
    )
    publish_deadline: Annotated[Seconds, Field(ge=1, le=3600)] = Field(
        60.0, description="Without an acknowledgement by then the connection is made anew."
    )
    overlap: Annotated[Seconds, Field(le=3600)] = Field(
        5.0, description="Sent again after a connection that broke: brokers forget."
    )
    no_listener: Literal["hold", "settle"] = Field(
        "hold", description="When the broker says that nobody subscribes (MQTT 5, 0x10)."
    )
    live_period: Annotated[Seconds, Field(ge=0.05, le=3600)] = Field(
        1.0, description="New records are gathered this long into one pack."
    )

    @model_validator(mode="after")
    def _transport(self) -> "UplinkSettings":
        for broker in self.brokers:
            parts = urlsplit(broker)
            local = parts.hostname in _LOOPBACK
            if parts.scheme == "mqtt" and not local and not self.allow_plaintext:
                raise ValueError(
                    "`brokers:` names mqtt:// to another machine, which is not encrypted: use "
                    "mqtts://, or write `allow_plaintext: true` if that is meant"
                )
        if self.password_file is not None and self.username is None:
            raise ValueError("`password_file:` needs `username:`; write it, too")
        return self


class Control(Strict):
    socket: Folder = Field(
        Path("/run/fieldgate/control.sock"), description="Where commands talk to the service."
    )


class Metrics(Strict):
    listen: Annotated[str, AfterValidator(_listen)] | None = Field(
        "127.0.0.1:9464", description="Prometheus text; null turns it off. host:port"
    )


class Settings(Strict):
    include: list[str] = Field(
        [], description="More files with `devices:` and `wires:`, like devices/*.yaml."
    )
    gateway: Gateway = Field(Gateway(), description="Who this gateway is.")
    store: Store = Field(Store(), description="The buffer on disk.")
    wires: dict[Id, WireSettings] = Field({}, description="Name -> port or peer.")
    devices: list[DeviceSettings] = Field([], description="What hangs on the wires.")
    parking: ParkingSettings = Field(ParkingSettings(), description="Spaces of a car park.")
    uplinks: list[UplinkSettings] = Field([], description="None is valid: buffer only.")
    control: Control = Field(Control(), description="The local socket.")
    metrics: Metrics = Field(Metrics(), description="The local figures.")
    led: Annotated[str, AfterValidator(_led)] = Field(
        "auto", description="Shows how the gateway fares: a name in /sys/class/leds, or none."
    )
