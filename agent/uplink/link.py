"""One MQTT connection on the event loop: paho's protocol, our socket calls and no thread.

A Link is valid from the broker's "welcome" until `over` is set; `error` then says why, None after a
goodbye of our own. It never reconnects.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.uplink import words
from agent.uplink.dial import Will, dial, hang_up
from agent.uplink.endpoint import Endpoint

log = logging.getLogger(__name__)

_TICK = 1.0  # s between looks at keepalive
_UNSPECIFIED = 0x80  # what paho says when the socket died


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the broker said when it accepted us."""

    receive_maximum: int = 65535
    maximum_packet: int | None = None  # bytes
    retains: bool = True


class _Packed(Properties):
    """Properties of a PUBLISH, packed once."""

    def __init__(self, content_type: str) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho
        self.ContentType = content_type
        object.__setattr__(self, "_bytes", super().pack())  # type: ignore[no-untyped-call]  # paho

    def pack(self) -> bytes:
        packed: bytes = object.__getattribute__(self, "_bytes")
        return packed


_packed = cache(_Packed)


async def open_link(endpoint: Endpoint, will: Will | None = None, deadline: float = 15.0) -> "Link":
    """Connects and waits for the welcome, `deadline` s for each.

    Raises LinkLost (see words.py), or Misconfigured when a file of the endpoint cannot be used.
    """
    link = Link(await dial(endpoint, will, deadline), endpoint)
    try:
        async with asyncio.timeout(deadline):
            await link.welcomed()
    except TimeoutError:
        raise words.silent(endpoint, deadline) from None
    finally:
        if link.welcome is None:
            link.drop()
    return link


class Link:
    """`on_ack(mid, code)`, `on_message(topic, body)` and `on_end()` are called on the loop."""

    def __init__(self, client: mqtt.Client, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.welcome: Welcome | None = None
        self.over = asyncio.Event()
        self.error: Exception | None = None
        self.on_ack: Callable[[int, int], None] = lambda _mid, _code: None
        self.on_message: Callable[[str, bytes], None] = lambda _topic, _body: None
        self.on_end: Callable[[], None] = lambda: None
        self._greeted = asyncio.Event()
        self._granted: dict[int, asyncio.Future[list[int]]] = {}
        self._loop = asyncio.get_running_loop()
        self.heard = self._loop.time()  # the last sign of life from the broker
        self._client = client
        self._socket: Any = client.socket()
        self._named = endpoint.mqtt == "5"  # messages can name their content type
        self._writing = False
        self._lament = ""  # paho's last complaint before the welcome
        self._timer = self._loop.call_later(_TICK, self._tick)
        self._attach()

    async def welcomed(self) -> Welcome:
        """Raises LinkLost when the broker refuses or leaves."""
        await self._greeted.wait()
        if self.welcome is None:
            raise self.error or words.ended(self.endpoint, 0, "without a word")
        return self.welcome

    def check(self) -> None:
        """Raises what ended the link, if anything did."""
        if self.error is not None:
            raise self.error
        if self.over.is_set():
            raise words.ended(self.endpoint, 0, "it is closed")

    def publish(self, topic: str, body: bytes, content_type: str, *, retain: bool = False) -> int:
        """At QoS 1; returns the number by which `on_ack` names it. Raises LinkLost."""
        if self.over.is_set():
            self.check()
        properties = _packed(content_type) if self._named else None
        info = self._client.publish(topic, body, qos=1, retain=retain, properties=properties)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise words.ended(self.endpoint, 0, mqtt.error_string(info.rc))
        return info.mid

    async def subscribe(self, filters: Sequence[str], deadline: float = 15.0) -> list[int]:
        """At QoS 1; returns the broker's reason code for each filter, 0x80 and above for "no".
        Raises LinkLost."""
        self.check()
        _, mid = self._client.subscribe([(name, 1) for name in filters])
        if mid is None:
            raise words.ended(self.endpoint, 0, "it is closed")
        granted: asyncio.Future[list[int]] = self._loop.create_future()
        self._granted[mid] = granted
        try:
            async with asyncio.timeout(deadline):
                return await granted
        except TimeoutError:
            raise words.silent(self.endpoint, deadline) from None

    async def close(self, deadline: float = 1.0) -> None:
        """Says goodbye, so that the will is not published; then lets go."""
        if not self.over.is_set():
            self._guard(self._client.disconnect)
            try:
                async with asyncio.timeout(deadline):
                    await self.over.wait()
            except TimeoutError:
                log.info("%s took no goodbye within %g s", self.endpoint.name, deadline)
        self.drop()

    def drop(self, error: Exception | None = None) -> None:
        """Lets go without a goodbye: the broker publishes the will."""
        self._end(error)
        self._detach()
        hang_up(self._client)

    def _attach(self) -> None:
        client = self._client
        client.on_connect = self._safe(self._connected)
        client.on_disconnect = self._safe(self._disconnected)
        client.on_publish = self._published
        client.on_subscribe = self._safe(self._subscribed)
        client.on_message = self._safe(self._received)
        client.on_socket_close = self._safe(self._unplug)
        client.on_socket_register_write = self._safe(self._wants_write)
        client.on_log = self._note
        self._loop.add_reader(self._socket, self._read)
        self._write()

    def _detach(self) -> None:
        self._unplug()
        client = self._client
        client.on_connect = client.on_disconnect = client.on_publish = None
        client.on_subscribe = client.on_message = client.on_log = None
        client.on_socket_close = client.on_socket_register_write = None

    def _end(self, error: Exception | None) -> None:
        if self.over.is_set():
            return
        self.error = error
        self._timer.cancel()
        self.over.set()
        self._greeted.set()
        for granted in self._granted.values():
            if not granted.done():
                granted.set_exception(error or words.ended(self.endpoint, 0, "it is closed"))
        self.on_end()

    def _safe(self, callback: Callable[..., None]) -> Callable[..., None]:
        """An exception in a callback would end paho's work without anybody noticing."""

        def guarded(*args: Any) -> None:
            try:
                callback(*args)
            except Exception as bug:  # noqa: BLE001  whoever watches the link raises it
                self._end(bug)

        return guarded

    def _guard(self, call: Callable[[], object]) -> None:
        """What paho raises by itself comes from bytes that are no MQTT, or from the socket."""
        try:
            call()
        except Exception as error:  # noqa: BLE001  paho raises KeyError, ValueError, struct.error…
            self.drop(words.ended(self.endpoint, words.MALFORMED_PACKET, f"{error!r}"))

    def _read(self) -> None:
        self._guard(self._client.loop_read)
        if self.over.is_set():
            return
        self.heard = self._loop.time()
        pending = getattr(self._socket, "pending", None)  # TLS may have read ahead
        if pending is not None and pending():
            self._loop.call_soon(self._read)

    def _write(self) -> None:
        self._writing = False
        self._guard(self._client.loop_write)
        if self._socket is None:
            return
        if self._client.want_write():
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK, self._tick)
        self._guard(self._client.loop_misc)

    def _wants_write(self, *_: object) -> None:
        """Written in the next round of the loop, together with what comes until then."""
        if not self._writing:
            self._writing = True
            self._loop.call_soon(self._write)

    def _unplug(self, *_: object) -> None:
        """Paho is about to close the socket, or we are."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket = None

    def _connected(
        self, client: mqtt.Client, _u: object, _f: object, reason: ReasonCode, said: object
    ) -> None:
        if reason.is_failure:
            self._end(words.refused(self.endpoint, reason.value, str(reason)))
            return
        if getattr(said, "MaximumQoS", 1) == 0:
            self._end(words.no_acknowledgements(self.endpoint))
            return
        self.welcome = Welcome(
            receive_maximum=getattr(said, "ReceiveMaximum", 65535),
            maximum_packet=getattr(said, "MaximumPacketSize", None),
            retains=bool(getattr(said, "RetainAvailable", 1)),
        )
        client.on_log = None  # formatting its debug lines costs more than publishing
        self._greeted.set()

    def _disconnected(
        self, _c: object, _u: object, flags: mqtt.DisconnectFlags, reason: ReasonCode, _p: object
    ) -> None:
        by_broker = flags.is_disconnect_packet_from_server
        if not by_broker and not reason.is_failure:
            self._end(None)
            return
        named = by_broker or reason.value != _UNSPECIFIED
        code, why = (reason.value, str(reason)) if named else (0, self._lament or "it is gone")
        if self.welcome is None:
            self._end(words.unwelcoming(self.endpoint, code, why))
        else:
            self._end(words.ended(self.endpoint, code, why))

    def _note(self, _c: object, _u: object, level: int, text: str) -> None:
        if level == mqtt.MQTT_LOG_ERR:
            self._lament = text.partition(": ")[2] or text

    def _published(self, _c: object, _u: object, mid: int, reason: ReasonCode, _p: object) -> None:
        try:
            self.on_ack(mid, reason.value)
        except Exception as bug:  # noqa: BLE001  as in _safe, without its cost
            self._end(bug)

    def _subscribed(
        self, _c: object, _u: object, mid: int, reasons: Sequence[ReasonCode], _p: object
    ) -> None:
        granted = self._granted.pop(mid, None)
        if granted is not None and not granted.done():
            granted.set_result([reason.value for reason in reasons])

    def _received(self, _c: object, _u: object, message: mqtt.MQTTMessage) -> None:
        self.on_message(message.topic, bytes(message.payload))
