"""Where a camera is, as its process is told it: that can ask nobody for a number."""

import asyncio
import ipaddress
import socket
from urllib.parse import quote, urlsplit, urlunsplit

from agent.contract import LinkLost

PORTS = {"rtsp": 554, "http": 80, "https": 443}


async def resolved(device: str, source: str) -> tuple[str, int | None]:
    """The source with a number for the name, and its port; a path has none. Raises LinkLost."""
    if source.startswith("/"):
        return source, None
    parts = urlsplit(source)
    port = parts.port or PORTS[parts.scheme]
    name = str(parts.hostname)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise LinkLost(
            "{device}: nobody knows the name {name}",
            hint="check the name and the DNS server, or write the camera's number",
            reason="no_name",
            device=device,
            name=name,
        ) from error
    address = str(found[0][4][0])
    if ipaddress.ip_address(address).version == 6:
        address = f"[{address}]"
    return urlunsplit(parts._replace(netloc=f"{address}:{port}")), port


def with_login(where: str, user: str, password: str) -> str:
    """A login before the host: RTSP takes it from nowhere else."""
    parts = urlsplit(where)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))
