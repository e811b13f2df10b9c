"""Streams on disk: appended first, owed to each uplink, bounded, ordered, salvaged."""

from agent.buffer.buffer import Buffer
from agent.buffer.limits import Limits
from agent.buffer.opening import open_buffer

__all__ = ["Buffer", "Limits", "open_buffer"]
