"""A command's end of the control socket. Plain and light: no event loop."""

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agent.contract import LinkLost, Misconfigured
from agent.control import lines

SOCKET = Path("/run/fieldgate/control.sock")
NO_SERVICE = "no_service"  # the reason of a LinkLost: nobody is there to be asked


def ask(
    path: Path, request: Mapping[str, Any], timeout: float | None = 30.0
) -> Iterator[dict[str, Any]]:
    """The service's answers as they come, each within `timeout` s (None: however long it takes).

    Raises LinkLost when there is no service or it falls silent, Misconfigured when this user may
    not ask, and whatever expected error the service answers with.
    """
    with _connected(path, timeout) as connection, connection.makefile("rb") as answers:
        try:
            connection.sendall(lines.dump(request))
            for line in answers:
                answer = json.loads(line)
                if "error" in answer and "hint" in answer:
                    raise lines.raised(answer)
                yield answer
        except TimeoutError as error:
            raise LinkLost(
                "the service did not answer within {timeout:g} s",
                hint="journalctl -u fieldgate -n 50",
                timeout=timeout,
            ) from error
        except (OSError, ValueError) as error:
            raise LinkLost(
                "the service broke off: {error}",
                hint="systemctl status fieldgate",
                error=error,
            ) from error


def ask_once(path: Path, request: Mapping[str, Any], timeout: float = 30.0) -> dict[str, Any]:
    """The only answer of a request that has one."""
    for answer in ask(path, request, timeout):
        return answer
    raise LinkLost("the service stopped before it answered", hint="systemctl status fieldgate")


def _connected(path: Path, timeout: float | None) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(str(path))
    except PermissionError as error:
        connection.close()
        raise Misconfigured(
            "this user may not open {path}",
            hint="use sudo, or: sudo usermod -aG fieldgate USER, then log in again",
            reason="permission",
            path=path,
        ) from error
    except OSError as error:
        connection.close()
        raise LinkLost(
            "no fieldgate service answers on {path}",
            hint="systemctl status fieldgate",
            reason=NO_SERVICE,
            path=path,
        ) from error
    return connection
