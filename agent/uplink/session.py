"""The window on one link: what was published and is not yet acknowledged."""

import asyncio
from collections import deque
from dataclasses import dataclass

from agent.contract import Pack
from agent.uplink import words
from agent.uplink.link import Link

_TICK = 1.0  # s between looks at the deadline
_FIXED = 1 + 4 + 2 + 2  # bytes of a PUBLISH: type, length, topic's length, packet identifier
_PROPERTIES = 64  # bytes, more than ours take


@dataclass(slots=True)
class Message:
    """`pack` is None for the gateway's own documents; `records` are its members.

    Nobody changes one; it is not frozen because that would double what making it costs.
    """

    topic: str
    body: bytes
    content_type: str
    pack: Pack | None = None
    records: int = 0
    retain: bool = False


class Session:
    """At most `window` messages in flight, and no more than the broker's Receive Maximum.

    The link ends, uncleanly, when the oldest message waits longer than `deadline` s for its turn
    to be acknowledged: brokers acknowledge in order (MQTT 5.0, section 4.6). `changed` is set
    whenever there are answers to take or the link is over.
    """

    def __init__(self, link: Link, window: int, deadline: float) -> None:
        welcome = link.welcome
        if welcome is None:
            raise ValueError("the link has not been welcomed")
        self.link = link
        self.window = min(window, welcome.receive_maximum)
        self.changed = asyncio.Event()
        self.answers: deque[tuple[Message, int]] = deque()  # with the broker's reason code
        self.acknowledged = 0
        self._room = welcome.maximum_packet
        self._retains = welcome.retains
        self._deadline = deadline
        self._flying: dict[int, Message] = {}  # oldest first
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()  # the oldest became the oldest
        link.on_ack = self._acknowledged
        link.on_end = self.changed.set
        self._timer = self._loop.call_later(_TICK, self._tick)

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    @property
    def free(self) -> int:
        return self.window - len(self._flying)

    @property
    def flying(self) -> list[Message]:
        """Not acknowledged, oldest first."""
        return list(self._flying.values())

    def room(self, topic: str) -> int | None:
        """Bytes that a body may have; None: as many as MQTT allows."""
        if self._room is None:
            return None
        return self._room - _FIXED - _PROPERTIES - len(topic.encode())

    def publish(self, message: Message) -> None:
        """Raises LinkLost. The caller looks at `free` first."""
        if not self._flying:
            self._since = self._loop.time()
        mid = self.link.publish(
            message.topic,
            message.body,
            message.content_type,
            retain=message.retain and self._retains,
        )
        self._flying[mid] = message

    def stop(self) -> None:
        self._timer.cancel()

    def _acknowledged(self, mid: int, code: int) -> None:
        oldest = next(iter(self._flying), None)
        message = self._flying.pop(mid, None)
        if message is None:
            return
        if mid == oldest:
            self._since = self._loop.time()
        self.acknowledged += 1
        self.answers.append((message, code))
        self.changed.set()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK, self._tick)
        if self._flying and self._loop.time() - self._since > self._deadline:
            self.link.drop(words.stalled(self.link.endpoint, self._deadline))
