"""One thread that owns one blocking thing: a database, a driver's library."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """Calls run one after another, in order, on the same named thread."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs to its end even when the caller is cancelled: a queued job is never dropped."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))
        return await asyncio.shield(future)

    def close(self) -> None:
        """Waits for what is queued."""
        self._threads.shutdown(wait=True)
