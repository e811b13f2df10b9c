"""The socket file: taken over from the dead, never from the living."""

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from agent.contract import Misconfigured


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A bound socket that anybody may connect to; the file goes when the block ends.

    Raises Misconfigured when another service answers there, or when there can be no socket.
    """
    _make_room(path)
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        ours.bind(str(path))
        path.chmod(0o666)
    except OSError as error:
        ours.close()
        raise Misconfigured(
            "cannot listen on {path}: {error}",
            hint="correct `control: socket:`, or make its folder",
            path=path,
            error=error.strerror or error,
        ) from error
    mark = _identity(path)
    try:
        yield ours
    finally:
        ours.close()
        if _identity(path) == mark:
            path.unlink(missing_ok=True)


def _make_room(path: Path) -> None:
    """Removes the socket of a service that is dead."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise Misconfigured(
            "cannot listen on {path}: {error}",
            hint="correct `control: socket:`, or make its folder",
            path=path,
            error=error.strerror,
        ) from error
    if not stat.S_ISSOCK(mode):
        raise Misconfigured(
            "{path} is not a socket", hint="remove it, or correct `control: socket:`", path=path
        )
    if _answers(path):
        raise Misconfigured(
            "another fieldgate is running: it answers on {path}",
            hint="systemctl stop fieldgate, or give this one its own `control: socket:`",
            path=path,
        )
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:  # its queue is full: somebody lives there
            return True
    return True


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
