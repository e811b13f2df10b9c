"""Packs to messages: the format of each stream and the topic of each lane."""

from collections.abc import Callable

from agent.contract import TELEMETRY, Pack
from agent.uplink.formats.cloudevents import CloudEvents
from agent.uplink.formats.senml import SenmlCbor, SenmlJson
from agent.uplink.formats.units import Units
from agent.uplink.session import Message
from agent.uplink.topics import Topics


class Encoder:
    """`catalogue` is the hash that packs name from now on, `picture` has the JPEG of an id."""

    def __init__(
        self,
        gateway: str,
        topics: Topics,
        encoding: str,
        units: Units,
        picture: Callable[[str], bytes | None],
    ) -> None:
        self.catalogue = ""
        self._topics = topics
        self._events = CloudEvents(gateway, picture)
        self._telemetry = (SenmlCbor if encoding == "cbor" else SenmlJson)(gateway, units)

    def __call__(self, pack: Pack) -> Message:
        way = self._telemetry if pack.stream == TELEMETRY else self._events
        body = way.encode(pack, self.catalogue)
        topic = self._topics.pack(pack.stream, pack.lane)
        return Message(topic, body, way.content_type, pack, pack.count)
