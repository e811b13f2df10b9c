"""Where a camera is, as its process is told it: that can ask nobody for a number."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from agent.contract import LinkLost

PORTS = {"rtsp": 554, "http": 80, "https": 443}
IMAGES = (".jpg", ".jpeg", ".png", ".bmp")
ASK_EVERY = 15.0  # s between two questions for the number of a name
LOOK_EVERY = 0.5  # s between two looks whether a device is plugged in again

T = TypeVar("T")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The numbers of a name, the best first. Raises OSError."""


async def resolve(name: str, port: int) -> Sequence[str]:
    """By this machine's own means: /etc/hosts, DNS, …"""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class Place:
    """Of one camera: a name in the network with its number, or a path and what lies there."""

    def __init__(self, device: str, source: str, ask: Resolve = resolve) -> None:
        self._device, self._ask = device, ask
        self.path = Path(source) if source.startswith("/") else None
        self.number = self._next = ""
        self.port: int | None = None
        self._name = ""
        self.pause = ASK_EVERY if self.path is None else LOOK_EVERY  # s between two looks
        if self.path is None:
            parts = urlsplit(source)
            self._name, self.port = str(parts.hostname), parts.port or PORTS[parts.scheme]

    async def find(self) -> None:
        """Raises LinkLost."""
        if self.path is not None:
            return
        try:
            self.number = (await self._numbers())[0]
        except OSError as error:
            raise LinkLost(
                "{device}: nobody knows the name {name}",
                hint="check the name and the DNS server, or write the camera's number",
                reason="no_name",
                device=self._device,
                name=self._name,
            ) from error

    async def moved(self, reason: str) -> bool:
        """Whether it is to be looked for elsewhere from now on: at another number of its name, or
        at what lies under its path now. `reason`: why it is lost."""
        if self.path is not None:
            return reason == "no_access" and opens(self.path)
        try:
            numbers = await self._numbers()
        except OSError:
            return False
        if self.number in numbers and reason != "no_connection":
            return False
        self._next = following(numbers, self.number)
        return self._next != self.number

    def follow(self) -> str:
        """The number that `moved` found."""
        self.number = self._next
        return self.number

    async def _numbers(self) -> Sequence[str]:
        numbers = await self._ask(self._name, self.port or 0)
        if not numbers:
            raise OSError("no number")
        return numbers


def following(numbers: Sequence[str], present: str) -> str:
    """The number to try after `present` did not answer."""
    if present not in numbers:
        return numbers[0]
    return numbers[(numbers.index(present) + 1) % len(numbers)]


def opens(path: Path) -> bool:
    """Whether we may open what its process may not: a device that was plugged in again, or a folder
    that was made anew, is another thing than the one which that process was left."""
    try:
        os.close(os.open(kept_in(path), os.O_RDONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def kept_in(path: Path) -> Path:
    """What must be open to a process that reads this path again and again: a picture that is
    replaced is another file each time, so its folder."""
    return path.parent if path.suffix.lower() in IMAGES else path


def numbered(where: str, number: str) -> str:
    """The address with a number for the name."""
    parts = urlsplit(where)
    login, at, _ = parts.netloc.rpartition("@")
    host = f"[{number}]" if ":" in number else number
    port = parts.port or PORTS[parts.scheme]
    return urlunsplit(parts._replace(netloc=f"{login}{at}{host}:{port}"))


def with_login(where: str, user: str, password: str) -> str:
    """A login before the host: RTSP takes it from nowhere else."""
    parts = urlsplit(where)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


async def unless(
    moved: Callable[[], Awaitable[bool]], pause: float, word: Coroutine[None, None, T]
) -> T | None:
    """The word that is awaited; None as soon as `moved`, asked every `pause` s, says yes."""
    waiting, looking = asyncio.ensure_future(word), asyncio.ensure_future(_until(moved, pause))
    try:
        await asyncio.wait({waiting, looking}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        looking.result()
        return None
    finally:
        waiting.cancel()
        looking.cancel()
        await asyncio.gather(waiting, looking, return_exceptions=True)


async def _until(moved: Callable[[], Awaitable[bool]], pause: float) -> None:
    yes = False
    while not yes:
        await asyncio.sleep(pause)
        yes = await moved()
