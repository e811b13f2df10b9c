"""Commands on a gateway that is a machine of its own, over SSH."""

import contextlib
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from rigging.inventory import SSHDriver

_CONNECT = 8  # s for one attempt
Done = subprocess.CompletedProcess[str]


class Shell:
    """One connection is kept and shared; it is made again when it is gone."""

    def __init__(self, driver: SSHDriver, folder: Path) -> None:
        self._control = folder / "ssh.sock"
        self._options = [
            *("-q", "-p", str(driver.port), *(("-i", driver.key) if driver.key else ())),
            *("-o", "BatchMode=yes", "-o", f"ConnectTimeout={_CONNECT}"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "ControlMaster=auto", "-o", f"ControlPath={self._control}"),
            *("-o", "ControlPersist=600", "-o", "ServerAliveInterval=10"),
        ]
        self._to = f"{driver.user}@{driver.address}"

    def run(self, *words: str, stdin: str = "", check: bool = True, timeout: float = 240) -> Done:
        """Raises CalledProcessError, TimeoutExpired."""
        done = subprocess.run(
            ["ssh", *self._options, self._to, shlex.join(words)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(
                f"{shlex.join(words)}: {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done

    def put(self, path: str, text: str) -> None:
        self.run("sh", "-c", f"cat >{shlex.quote(path)}", stdin=text)

    def forward_back(self, port: int) -> None:
        """Lets the gateway reach this machine's loopback port under the same number of its own."""
        words = ["ssh", *self._options, "-O", "forward", "-R", f"127.0.0.1:{port}:127.0.0.1:{port}"]
        subprocess.run([*words, self._to], capture_output=True, check=True, timeout=60)

    def wait(self, within: float, alive: Callable[[], bool] = lambda: True) -> None:
        """Until it lets us in. Raises TimeoutError, or RuntimeError once it is not `alive`."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if not alive():
                raise RuntimeError("the gateway is off")
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self.run("true", check=False, timeout=4 * _CONNECT).returncode == 0:
                    return
            time.sleep(0.5)
        raise TimeoutError(f"the gateway does not let us in within {within:g} s")

    def forget(self) -> None:
        """The connection is gone with the gateway's power."""
        words = ["ssh", *self._options, "-O", "exit", self._to]
        subprocess.run(words, capture_output=True, check=False, timeout=60)
        self._control.unlink(missing_ok=True)
