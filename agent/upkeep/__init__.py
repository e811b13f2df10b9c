"""Work on devices: while somebody is at one, and after it was replaced."""

from agent.upkeep.stage import Upkeep

__all__ = ["Upkeep"]
