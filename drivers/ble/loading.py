"""bleak and what hangs on it, imported when the first Bluetooth device is opened."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from drivers.ble.libraries import missing

if TYPE_CHECKING:
    from drivers.ble.hub import Hub


async def prepared(adapter: str, load: Callable[[], None]) -> "Hub":
    """The adapter's hub, with all that `load` imports, off the event loop: on a small machine that
    takes seconds. Raises Misconfigured where something is not installed."""
    await asyncio.to_thread(_import, load)
    from drivers.ble.hub import hub_for

    return hub_for(adapter)


def _import(load: Callable[[], None]) -> None:
    try:
        import drivers.ble.hub  # noqa: F401  with bleak and D-Bus
    except ImportError as error:
        raise missing(error) from error
    load()
