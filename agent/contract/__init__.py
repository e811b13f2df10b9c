"""The vocabulary shared by the agent and its drivers. Drivers import this and nothing else."""

from agent.contract.addressing import Addressing, AddressRules, Identity, Presence
from agent.contract.child import Child, ChildLimits
from agent.contract.configuring import Configurable, Setup
from agent.contract.device import Device, PointInfo
from agent.contract.driver import (
    Driver,
    DriverSpec,
    Host,
    PolledDriver,
    Raw,
    Replaceable,
    Simulator,
    StreamingDriver,
    Talker,
    Writable,
)
from agent.contract.errors import (
    CHILD_ENDED,
    WIRE_GONE,
    DeviceFault,
    GatewayError,
    LinkLost,
    Misconfigured,
)
from agent.contract.flow import (
    EVENTS,
    MEDIA,
    STREAMS,
    TELEMETRY,
    Columns,
    Happening,
    Lane,
    Outbox,
    Pack,
    Sink,
    Skip,
)
from agent.contract.probe import Probe, Sound, Verdict
from agent.contract.profiles import Shelf, broken_profile, chosen_points
from agent.contract.ranges import Ranges
from agent.contract.reading import (
    Event,
    Instant,
    Picture,
    Quality,
    Reading,
    Record,
    Value,
)
from agent.contract.scan import Find, Match, Remark, Search, Step
from agent.contract.simulation import Follower, Said, Story
from agent.contract.tools import Tools
from agent.contract.wire import Accept, Ear, Line, Parity, Turn, Wire

__all__ = [
    "CHILD_ENDED",
    "EVENTS",
    "MEDIA",
    "STREAMS",
    "TELEMETRY",
    "WIRE_GONE",
    "Accept",
    "AddressRules",
    "Addressing",
    "Child",
    "ChildLimits",
    "Columns",
    "Configurable",
    "Device",
    "DeviceFault",
    "Driver",
    "DriverSpec",
    "Ear",
    "Event",
    "Find",
    "Follower",
    "GatewayError",
    "Happening",
    "Host",
    "Identity",
    "Instant",
    "Lane",
    "Line",
    "LinkLost",
    "Match",
    "Misconfigured",
    "Outbox",
    "Pack",
    "Parity",
    "Picture",
    "PointInfo",
    "PolledDriver",
    "Presence",
    "Probe",
    "Quality",
    "Ranges",
    "Raw",
    "Reading",
    "Record",
    "Remark",
    "Replaceable",
    "Said",
    "Search",
    "Setup",
    "Shelf",
    "Simulator",
    "Sink",
    "Skip",
    "Sound",
    "Step",
    "Story",
    "StreamingDriver",
    "Talker",
    "Tools",
    "Turn",
    "Value",
    "Verdict",
    "Wire",
    "Writable",
    "broken_profile",
    "chosen_points",
]
