"""The real agent, as a process of its own, and what can be asked of it from outside."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.contract import GatewayError, LinkLost
from agent.control.client import ask_once

_STOPS_WITHIN = 10.0  # s
_LOG_SHOWN = 2000  # characters


class AgentProcess:
    def __init__(self, folder: Path, config: Path) -> None:
        self._folder, self._config = folder, config
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        return self._folder / "agent.log"

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agent", "run", "--config", str(self._config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C is for the demo, which then stops it in order
            )

    def check(self) -> None:
        """Raises LinkLost when it has left by itself."""
        if self._process is not None and self._process.returncode is not None:
            raise LinkLost(
                "the agent left with code {code}:\n{log}",
                hint="this should not happen; please report the lines above",
                code=self._process.returncode,
                log=self.log.read_text(encoding="utf-8", errors="replace")[-_LOG_SHOWN:],
            )

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Over its control socket; None while it does not answer."""
        socket = self._folder / "control.sock"
        try:
            return await asyncio.to_thread(ask_once, socket, request, 5.0)
        except GatewayError:
            return None

    async def kill(self) -> None:
        """SIGKILL, as when the power fails."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not enough."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOPS_WITHIN):
                await process.wait()
                return
        await self.kill()
