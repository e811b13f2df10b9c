"""Connecting blocks (files, names, TLS): it has a thread of its own and a deadline.

The thread is a daemon: a name server that never answers must not keep the service from stopping.
"""

import asyncio
import contextlib
import threading
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.uplink.endpoint import Endpoint
from agent.uplink.words import silent, unreachable, unwelcoming


@dataclass(frozen=True, slots=True)
class Will:
    """Retained by the broker in our name when the connection breaks."""

    topic: str
    body: bytes


async def dial(endpoint: Endpoint, will: Will | None, deadline: float) -> mqtt.Client:
    """A client whose socket is open and whose CONNECT is on its way.

    Raises LinkLost, or Misconfigured when a file of the endpoint cannot be used.
    """
    attempt = _Attempt(endpoint, will, deadline)
    attempt.thread.start()
    try:
        async with asyncio.timeout(deadline):
            return await attempt.done
    except TimeoutError:
        raise silent(endpoint, deadline) from None
    except (OSError, ValueError) as error:
        raise unreachable(endpoint, error) from error
    finally:
        attempt.abandon()


class _Attempt:
    def __init__(self, endpoint: Endpoint, will: Will | None, deadline: float) -> None:
        self._endpoint = endpoint
        self._will = will
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._wanted = True
        self.done: asyncio.Future[mqtt.Client] = self._loop.create_future()
        self.thread = threading.Thread(target=self._run, name="uplink-dial", daemon=True)

    def abandon(self) -> None:
        """Nobody waits any more; a connection that comes later is closed."""
        with self._lock:
            self._wanted = False

    def _run(self) -> None:
        client: mqtt.Client | None = None
        error: Exception | None = None
        try:
            client = _client(self._endpoint, self._will, self._deadline)
            client.reconnect()
        except Exception as why:  # noqa: BLE001  whatever it is, the loop raises it
            error = why
        with self._lock:
            if self._wanted:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                    self._loop.call_soon_threadsafe(self._hand_over, client, error)
                    return
        hang_up(client)

    def _hand_over(self, client: mqtt.Client | None, error: Exception | None) -> None:
        if self.done.done():
            hang_up(client)
        elif error is not None or client is None:
            self.done.set_exception(error or OSError("no client"))
        elif client.socket() is None:
            self.done.set_exception(unwelcoming(self._endpoint, 0, "at once"))
        else:
            self.done.set_result(client)


def hang_up(client: mqtt.Client | None) -> None:
    """Closes the socket without a word: for the broker the connection broke."""
    sock = client.socket() if client is not None else None
    if sock is not None:
        sock.close()


def _client(endpoint: Endpoint, will: Will | None, deadline: float) -> mqtt.Client:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=endpoint.client_id,
        protocol=mqtt.MQTTv5 if endpoint.mqtt == "5" else mqtt.MQTTv311,
        reconnect_on_failure=False,
    )
    client.connect_timeout = deadline
    client.max_inflight_messages_set(0)  # the window is ours (session.py); paho's is quadratic
    client.username_pw_set(endpoint.username, endpoint.password())
    if endpoint.secure:
        client.tls_set_context(endpoint.context())
    if will is not None:
        client.will_set(will.topic, will.body, qos=1, retain=True)
    properties = None
    if endpoint.mqtt == "5":
        # Nothing is kept at the broker between connections: what is owed is known here.
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
        properties.SessionExpiryInterval = 0
    client.connect_async(
        endpoint.host,
        endpoint.port,
        keepalive=round(endpoint.keepalive),
        clean_start=True if endpoint.mqtt == "5" else mqtt.MQTT_CLEAN_START_FIRST_ONLY,
        properties=properties,
    )
    return client
