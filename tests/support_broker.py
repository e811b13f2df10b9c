"""A mosquitto, and a cloud that listens to it."""

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agent.contract import STREAMS, TELEMETRY, Lane, Ranges
from agent.uplink.formats import cloudevents, senml
from agent.uplink.formats.arrival import Arrival


async def eventually(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """Polls until it holds; fails with the condition's last value."""
    for _ in range(round(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"not within {seconds} s: {condition()!r}")


def mosquitto() -> str:
    """Where it is; skips the test where it is not."""
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    return found


class Broker:
    """A mosquitto on a free port of 127.0.0.1 that stays the same across restarts."""

    def __init__(self, folder: Path, config: str = "", global_config: str = "") -> None:
        self._program = mosquitto()
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._config = config or "allow_anonymous true"
        self._global = global_config
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it accepts connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"mosquitto-{self.port}.conf"
        file.write_text(
            f"user root\n{self._global}\nlistener {self.port} 127.0.0.1\n{self._config}\n",
            encoding="utf-8",
        )
        with (self._folder / f"mosquitto-{self.port}.log").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-v", "-c", str(file)], stderr=log)
        for _ in range(500):
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            threading.Event().wait(0.02)
        pytest.fail(f"mosquitto does not start: {self.log()[-500:]}")

    def log(self) -> str:
        return (self._folder / f"mosquitto-{self.port}.log").read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL: it has no time to save anything."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It hangs: connections stay open, nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None


class Cloud:
    """An independent subscriber that remembers everything, in order."""

    def __init__(self, port: int, *filters: str, **paho: Any) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []  # topic, body, retained
        self._ready = threading.Event()
        self._filters = filters or ("#",)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"cloud-{id(self)}", protocol=mqtt.MQTTv5
        )
        if tls := paho.get("tls"):
            self._client.tls_set(**tls)
        if user := paho.get("user"):
            self._client.username_pw_set(*user)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._keep
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._ready.wait(10):
            pytest.fail("the cloud cannot subscribe")

    def _subscribe(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(name, 1) for name in self._filters])

    def _keep(self, _client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload), message.retain))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def bodies(self, end: str) -> list[bytes]:
        """Of the topics that end so, oldest first."""
        return [body for topic, body, _ in self.messages if topic.endswith(end)]

    def documents(self, end: str) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies(end) if body]

    def arrivals(self) -> list[tuple[Lane, Arrival]]:
        found = []
        for topic, body, _ in self.messages:
            stream = topic.rpartition("/")[2]
            if stream in STREAMS:
                lane = Lane.BACKLOG if "/backlog/" in topic else Lane.LIVE
                way = senml if stream == TELEMETRY else cloudevents
                found.append((lane, way.decode(body)))
        return found

    def numbers(self, epoch: str = "e1", stream: str = TELEMETRY) -> Ranges:
        """All that arrived."""
        return Ranges.from_intervals(
            (number, number)
            for _, arrival in self.arrivals()
            if arrival.epoch == epoch and arrival.stream == stream
            for number in arrival.members
        )
