"""Talks to systemd: ready, reloading, stopping, and the watchdog that what is vital must feed."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


def notify(**fields: str) -> None:
    """`notify(READY="1")`; does nothing outside systemd. See sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    text = "\n".join(f"{name}={value}" for name, value in fields.items())
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to,
    ):
        to.connect("\0" + address[1:] if address.startswith("@") else address)
        to.sendall(text.encode())


def reloading() -> None:
    """`Type=notify-reload` and later versions of `Type=notify` want the monotonic time."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify(RELOADING="1", MONOTONIC_USEC=str(now))


def watchdog_period() -> float | None:
    """Seconds within which systemd wants a sign of life; None when it does not watch us."""
    usec, pid = os.environ.get("WATCHDOG_USEC"), os.environ.get("WATCHDOG_PID")
    if not usec or (pid and int(pid) != os.getpid()):
        return None
    return int(usec) / 1e6


async def feed_watchdog(period: float, ages: Mapping[str, Callable[[], float]]) -> None:
    """Feeds while every vital part has shown life within `period` seconds.

    `ages` gives, for each vital part, the seconds since its last beat. This task is the beat of
    the event loop itself. A part that stays silent makes systemd restart the service.
    """
    silent: set[str] = set()
    while True:
        late = {name for name, age in ages.items() if age() > period}
        for name in late - silent:
            log.error("%s: no sign of life for %g s; systemd will restart us", name, period)
        silent = late
        if not late:
            notify(WATCHDOG="1")
        await asyncio.sleep(period / 3)
