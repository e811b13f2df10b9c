"""What the kernel says about ports and peers, in a technician's words."""

import errno
import grp
import os
from pathlib import Path

from agent.contract import GatewayError, Line, LinkLost, Misconfigured

_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO, errno.ENOTDIR}
_HELD = {errno.EBUSY, errno.EAGAIN}
_DENIED = {errno.EACCES, errno.EPERM}


def port_trouble(port: str, error: Exception) -> GatewayError:
    """Why a serial port cannot be opened or used."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    if number in _GONE:
        return port_gone(port)
    if number in _DENIED:
        return LinkLost(
            "{port}: permission denied",
            hint="add the user of the service to the group: usermod -aG {group} {user}, "
            "then restart it",
            reason="no_port",
            port=port,
            group=_group(port),
            user=_user(),
        )
    if number in _HELD:
        return LinkLost(
            "{port} is held by another program",
            hint="find it with: fuser {port}, and stop it",
            reason="no_port",
            port=port,
        )
    return LinkLost(
        "{port} cannot be used: {error}",
        hint="unplug the adapter, plug it in again; if that does not help, replace it",
        reason="no_port",
        port=port,
        error=error,
    )


def port_gone(port: str) -> LinkLost:
    return LinkLost(
        "{port} is not there",
        hint="plug the adapter in; the names that exist: ls /dev/serial/by-id /dev/serial/by-path",
        reason="no_port",
        port=port,
    )


def not_a_port(port: str) -> Misconfigured:
    return Misconfigured(
        "{port} is not a serial port",
        hint="correct `port:`; the names that exist: ls /dev/serial/by-id /dev/serial/by-path",
        port=port,
    )


def line_refused(port: str, line: Line) -> Misconfigured:
    return Misconfigured(
        "{port} cannot do {baud} baud with {format}",
        hint="correct baud, parity, stop_bits and data_bits, or use another adapter",
        port=port,
        baud=line.baud,
        format=f"{line.data_bits}{line.parity[0].upper()}{line.stop_bits}",
    )


def peer_trouble(host: str, port: int, error: Exception, retry_after: float) -> LinkLost:
    """Why a peer cannot be reached."""
    if isinstance(error, ConnectionRefusedError):
        return LinkLost(
            "{host}:{port} refuses the connection",
            hint="the machine is there but nothing listens on that port: check `connect:` and "
            "the settings of the converter",
            reason="no_peer",
            retry_after=retry_after,
            host=host,
            port=port,
        )
    return LinkLost(
        "{host}:{port} cannot be reached: {error}",
        hint="check power, network cable and address: ping {host}",
        reason="no_peer",
        retry_after=retry_after,
        host=host,
        port=port,
        error=str(error) or type(error).__name__,
    )


def says_nothing_new(error: GatewayError) -> bool:
    """Of a peer that was dialled in vain just now: why, was said then."""
    return error.template == peer_waits("", 0, 0.0).template


def peer_waits(host: str, port: int, retry_after: float) -> LinkLost:
    return LinkLost(
        "{host}:{port} is not connected",
        hint="check power, network cable and address: ping {host}",
        reason="no_peer",
        retry_after=retry_after,
        host=host,
        port=port,
    )


def peer_closed(host: str, port: int) -> LinkLost:
    return LinkLost(
        "{host}:{port} closed the connection",
        hint="look whether another program uses the device: many allow one connection only",
        reason="closed",
        host=host,
        port=port,
    )


def _group(port: str) -> str:
    try:
        return grp.getgrgid(Path(port).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
