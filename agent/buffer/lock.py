"""One process at a time owns a store."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.contract import Misconfigured

FILE = "buffer.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Raises Misconfigured when another process has it, or the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise Misconfigured(
            "the folder {folder} cannot be written: {why}",
            hint="correct `store.path:`, or give the folder to the user that runs fieldgate",
            reason="permission",
            folder=folder,
            why=error.strerror or error,
        ) from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        raise Misconfigured(
            "another fieldgate (process {owner}) uses the store in {folder}",
            hint="stop it first (systemctl stop fieldgate), or give this one its own `store.path:`",
            reason="busy",
            owner=owner or "?",
            folder=folder,
        ) from error
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
