"""What a camera's process is told from where nothing can be awaited."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from agent.contract import Child, LinkLost


class Wishing:
    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def __call__(self, child: Child | None, wish: Mapping[str, Any]) -> None:
        """It hears of it soon; one that has ended needs not."""
        if child is not None:
            task = asyncio.ensure_future(_tell(child, wish))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)


async def _tell(child: Child, wish: Mapping[str, Any]) -> None:
    with suppress(LinkLost):
        await child.send(json.dumps(wish).encode())
