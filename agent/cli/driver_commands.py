"""Commands that installed drivers bring with them."""

from agent.contract import Misconfigured
from agent.registry import driver_named, driver_names


def driver_commands() -> dict[str, str]:
    """Command -> "module:function"; a driver that cannot be loaded brings none."""
    commands: dict[str, str] = {}
    for name in driver_names():
        try:
            commands.update(driver_named(name).commands)
        except Misconfigured:
            continue
    return commands
