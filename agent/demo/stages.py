"""The other end of the demo's wires."""

from agent.simulate.stages import Stage, framing, staged

__all__ = ["Stage", "framing", "staged"]
