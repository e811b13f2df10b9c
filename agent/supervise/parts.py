"""The running parts of the gateway: started, stopped and replaced one by one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from agent.supervise.supervisor import PATIENT, Restarts, keep_running

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """`name` tells it from the others; a part whose `spec` compares equal is left alone."""

    name: str
    spec: object
    run: Callable[[], Awaitable[None]] = field(compare=False)


class Parts:
    """Each part is a supervised task. A part that gives up for good ends the task group."""

    def __init__(self, tasks: asyncio.TaskGroup, restarts: Restarts = PATIENT) -> None:
        self._tasks = tasks
        self._restarts = restarts
        self._running: dict[str, tuple[Part, asyncio.Task[None]]] = {}

    @property
    def names(self) -> list[str]:
        """Of what is running."""
        return [*self._running]

    async def apply(self, wanted: Iterable[Part]) -> list[str]:
        """Stops what is gone or different, starts what is new. Returns the names touched."""
        parts = {part.name: part for part in wanted}
        stale = [name for name, (part, _) in self._running.items() if parts.get(name) != part]
        await self.stop(stale)
        fresh = [part for name, part in parts.items() if name not in self._running]
        for part in fresh:
            task = self._tasks.create_task(
                keep_running(part.name, part.run, self._restarts), name=part.name
            )
            self._running[part.name] = (part, task)
        return sorted({*stale, *(part.name for part in fresh)})

    async def stop(self, names: Iterable[str] | None = None, within: float = 3.0) -> None:
        """Cancels and waits; all parts when no names are given."""
        leaving = [*self._running] if names is None else [*names]
        tasks = [self._running.pop(name)[1] for name in leaving]
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=within)
            for task in late:
                log.warning("%s: does not stop within %g s; leaving it", task.get_name(), within)
