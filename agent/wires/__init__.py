"""Each serial port and serial-over-TCP connection has one owner here; drivers take turns."""

from agent.wires.owner import Tap
from agent.wires.spec import WireSpec
from agent.wires.wires import Wires

__all__ = ["Tap", "WireSpec", "Wires"]
