"""The files that settings name: passwords, keys, certificates."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from agent.config.checks import Parts
from agent.config.mistake import KeyPath, Mistake
from agent.config.schema import UplinkSettings
from agent.i18n import say

CREDENTIALS = Path("/run/credentials")


def file_checks(parts: Parts) -> Iterator[Mistake]:
    """Paths are not repeated: somebody may have written the password itself."""
    for at, uplink in parts.uplinks.items():
        for name, path, secret in _named(uplink):
            where: KeyPath = ("uplinks", at, *name)
            words = fault(path, secret=secret)
            if words:
                yield parts.document.mistake(where, words)


def fault(path: Path, *, secret: bool) -> str:
    """What is wrong with the file, "" for nothing.

    What systemd hands to the service (LoadCredential=) is there only while the service runs.
    """
    if not path.is_absolute():
        if secret:
            return say("write the whole path of a file, from / on, and into that file the secret")
        return say("write the whole path of the file, from / on")
    if CREDENTIALS in path.parents and not _ours(path):
        return ""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return say("the file named here is not there; create it, or correct the path")
    except OSError as error:
        why = error.strerror or error
        return say("the file named here cannot be read ({why}); correct its rights", why=why)
    return _rights(path, mode, secret=secret)


def _rights(path: Path, mode: int, *, secret: bool) -> str:
    if not stat.S_ISREG(mode):
        return say("what is named here is not a file; correct the path")
    if not os.access(path, os.R_OK):
        return say(
            "the file named here may not be read; let the user fieldgate read it: "
            "chgrp fieldgate FILE; chmod 640 FILE"
        )
    if secret and mode & stat.S_IRWXO:
        return say("everybody on this machine can read the file named here: chmod o= FILE")
    return ""


def _ours(path: Path) -> bool:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return folder is not None and Path(folder) in path.parents


def _named(uplink: UplinkSettings) -> Iterator[tuple[tuple[str, ...], Path, bool]]:
    """Where each file is named, the file, and whether it is a secret."""
    files = (
        (("password_file",), uplink.password_file, True),
        (("tls", "ca_file"), uplink.tls.ca_file, False),
        (("tls", "cert_file"), uplink.tls.cert_file, False),
        (("tls", "key_file"), uplink.tls.key_file, True),
    )
    yield from ((name, path, secret) for name, path, secret in files if path is not None)
