"""The gateway's settings: one field, one meaning, one unit."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agent.contract import Line, Parity
from agent.contract.settings import Bytes, Id, Seconds, Strict


class Gateway(Strict):
    id: Id | None = Field(None, description="Default: a short hash of the machine-id.")
    name: str = Field("", description="Free text, Chinese welcome; travels in the catalogue.")
    language: Literal["auto", "en", "zh"] = Field("auto", description="Of words for people.")


class Commit(Strict):
    every: Annotated[Seconds, Field(ge=0.05, le=60)] = Field(
        1.0, description="At most this much is lost when the power fails."
    )
    records: int = Field(200, ge=1, le=10_000, description="Commit earlier when this many wait.")


class Store(Strict):
    path: Path = Field(Path("/var/lib/fieldgate"), description="All that the service writes.")
    max_size: Bytes = Field(2 * 10**9, ge=10**6, description="Of the buffer; oldest go first.")
    max_age: Seconds = Field(30 * 86400.0, description="Older records are evicted, sent or not.")
    keep_settled: Seconds = Field(
        86400.0, description="What the broker acknowledged stays this long for replay."
    )
    commit: Commit = Commit()
    flushes: float = Field(
        5.0, gt=0, le=1000, description="At most this many commits a second, events included."
    )


class WireSettings(Strict):
    """Exactly one of `port` (serial) and `connect` (TCP)."""

    port: str | None = Field(None, description="/dev/serial/by-id/… or by-path/…")
    connect: str | None = Field(None, description="host:port")
    framing: Literal["rtu", "tcp"] | None = Field(
        None, description="TCP only: `tcp` (Modbus TCP, the default) or `rtu` (RTU over TCP)."
    )
    baud: int = Field(9600, ge=300, le=1_000_000)
    parity: Parity = "none"
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
            raise ValueError("give either `port:` (serial) or `connect: host:port` (TCP)")
        if self.connect is not None:
            host, _, port = self.connect.rpartition(":")
            if not host or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError("write `connect:` as host:port, like 10.0.0.5:502")
        if self.port is not None and self.framing == "tcp":
            raise ValueError("a serial port speaks `framing: rtu`; leave `framing:` out")
        return self


class DeviceSettings(BaseModel):
    """What every device has; all other keys beside these are its driver's own."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    id: Id
    driver: str
    name: str = ""
    place: str = ""
    wire: Id | None = Field(None, description="One of `wires:`.")
    every: Annotated[Seconds, Field(ge=0.05, le=86400)] = Field(
        10.0, description="Between two samples."
    )

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})


def _broker(value: str) -> str:
    parts = urlsplit(value)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or port == 0:
        raise ValueError("write a broker as mqtts://host:8883 (or mqtt://host:1883 on loopback)")
    if parts.username or parts.password:
        raise ValueError("no user or password in an address; use `username:` and `password_file:`")
    return value


Broker = Annotated[str, AfterValidator(_broker)]


class Tls(Strict):
    ca_file: Path | None = Field(None, description="The CA that the broker must be signed by.")
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> "Tls":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("`cert_file:` and `key_file:` go together")
        return self


class UplinkSettings(Strict):
    id: Id
    brokers: list[Broker] = Field(min_length=1, description="Tried in turn.")
    client_id: str | None = Field(None, description="Default: fieldgate-<gateway>-<uplink>.")
    username: str | None = None
    password_file: Path | None = Field(None, description="Secrets come from files only.")
    tls: Tls = Tls()
    allow_plaintext: bool = Field(
        False, description="mqtt:// to another machine: readings and password travel in the clear."
    )
    mqtt: Literal["5", "3.1.1"] = "5"
    root: str = Field("fieldgate/{gateway}", description="Topic template.")
    encoding: Literal["json", "cbor"] = "json"
    batch: int = Field(200, ge=1, le=5000, description="Records in one pack at most.")
    window: int = Field(20, ge=1, le=100, description="Packs in flight at most.")
    keepalive: Annotated[Seconds, Field(ge=5, le=3600)] = 60.0
    publish_deadline: Annotated[Seconds, Field(ge=1, le=3600)] = 60.0
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
            local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
            if parts.scheme == "mqtt" and not local and not self.allow_plaintext:
                raise ValueError(
                    "mqtt:// to another machine is not encrypted: use mqtts://, "
                    "or write `allow_plaintext: true` if that is meant"
                )
        if self.password_file is not None and self.username is None:
            raise ValueError("`password_file:` needs `username:`")
        return self


class Control(Strict):
    socket: Path = Path("/run/fieldgate/control.sock")


class Metrics(Strict):
    listen: str | None = Field(
        "127.0.0.1:9464", description="Prometheus text; null turns it off. host:port"
    )


class Settings(Strict):
    gateway: Gateway = Gateway()
    store: Store = Store()
    wires: dict[Id, WireSettings] = Field({}, description="Name -> port or peer.")
    devices: list[DeviceSettings] = Field([], description="What hangs on the wires.")
    uplinks: list[UplinkSettings] = Field([], description="None is valid: buffer only.")
    control: Control = Control()
    metrics: Metrics = Metrics()
