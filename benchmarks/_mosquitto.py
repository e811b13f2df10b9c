"""A mosquitto of a benchmark's own, with a subscriber that is away.

Without any subscriber the broker would answer "nobody listens"; one that were there would take
part in the race.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

CONFIG = "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1\n"
FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin"


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Its port. Leaves the program when it is not installed."""
    found = shutil.which("mosquitto", path=FOLDERS)
    if found is None:
        sys.exit("mosquitto is not installed: apt install mosquitto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(CONFIG.format(port=port), encoding="utf-8")
    with subprocess.Popen([found, "-c", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            _await(port)
            _leave_a_subscription(port)
            yield port
        finally:
            process.kill()


def _await(port: int) -> None:
    for _ in range(250):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        time.sleep(0.02)
    sys.exit("mosquitto does not start")


def _leave_a_subscription(port: int) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "away", protocol=mqtt.MQTTv5)
    client.on_connect = lambda c, *_: c.subscribe("#", 1)
    client.on_subscribe = lambda c, *_: c.disconnect()
    kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
    kept.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", port, clean_start=False, properties=kept)
    client.loop_forever()
