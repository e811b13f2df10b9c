"""A broker of the demo's own: mosquitto where it is installed, else the embedded amqtt."""

import asyncio
import contextlib
import shutil
import sys
from pathlib import Path

from agent.contract import LinkLost
from agent.demo.scene import free_port

_MOSQUITTO = ("mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")
_EMBEDDED = "from agent.demo.broker import serve_embedded; import sys; serve_embedded(sys.argv[1])"


def find_mosquitto() -> str | None:
    return next((found for name in _MOSQUITTO if (found := shutil.which(name))), None)


class Broker:
    """A broker process on a loopback port that stays the same across restarts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._mosquitto = find_mosquitto()
        self.port = free_port()

    @property
    def kind(self) -> str:
        return "mosquitto" if self._mosquitto else "amqtt"

    @property
    def mqtt(self) -> str:
        """The newest MQTT that it speaks."""
        return "5" if self._mosquitto else "3.1.1"

    async def start(self) -> None:
        """Returns once it accepts connections. Raises LinkLost when it does not within 15 s."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for _ in range(150):
            if self._process.returncode is not None:
                break
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.1)
        raise LinkLost(
            "the demo's broker ({kind}) does not start",
            hint="is the port {port} taken? or give your own: fieldgate demo --broker HOST:PORT",
            kind=self.kind,
            port=self.port,
        )

    async def kill(self) -> None:
        """SIGKILL: it has no time to save anything."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _command(self) -> list[str]:
        if self._mosquitto is None:
            return [sys.executable, "-c", _EMBEDDED, str(self.port)]
        config = self._folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        return [self._mosquitto, "-c", str(config)]


def serve_embedded(port: str) -> None:
    """Runs amqtt until it is killed."""
    from amqtt.broker import Broker as Embedded

    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }

    async def serve() -> None:
        await Embedded(config).start()
        await asyncio.Event().wait()

    asyncio.run(serve())
