"""Which pack a broker would not take, and what becomes of it. Pure.

A PUBACK names the pack. A DISCONNECT does not: from then on packs go one at a time ("careful"), so
that the next DISCONNECT of the kind has only one pack to blame. Brokers that say nothing at all
(MQTT 3.1.1 has no words for it) get smaller packs after three connections without a single
acknowledgement, and slowly larger ones again; nothing is given up because of them, since a bad
line looks the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.contract import Pack
from agent.uplink import words

TRIES = 3  # refusals of one pack before it is given up
RETRIED = frozenset({words.PACKET_TOO_LARGE, words.QUOTA_EXCEEDED, words.PAYLOAD_FORMAT_INVALID})
_PACKS_FAULT = frozenset(
    {
        words.MALFORMED_PACKET,
        words.PROTOCOL_ERROR,
        words.PACKET_TOO_LARGE,
        words.PAYLOAD_FORMAT_INVALID,
    }
)
_CAREFUL_FOR = 20  # acknowledgements in a row
_SMALLEST = 1024  # bytes: no silence makes packs smaller than this
_GROWS_AFTER = 1000  # acknowledgements
REASONS = {
    words.PACKET_TOO_LARGE: "too_large",
    words.QUOTA_EXCEEDED: "quota_exceeded",
    words.PAYLOAD_FORMAT_INVALID: "payload_invalid",
}

Key = tuple[str, str, int]


@dataclass(slots=True)
class Blame:
    """`limit`: bytes of body that the broker's behaviour allows, None while nothing is known."""

    limit: int | None = None
    careful: bool = False
    _strikes: dict[Key, int] = field(default_factory=dict)
    _good: int = 0  # acknowledgements since the last trouble
    _fruitless: int = 0

    def acknowledged(self, packs: Sequence[Pack]) -> None:
        self._fruitless = 0
        self._good += len(packs)
        for pack in packs if self._strikes else ():
            self._strikes.pop(_key(pack), None)
        if self.careful and self._good >= _CAREFUL_FOR:
            self.careful = False
        if self.limit is not None and self._good >= _GROWS_AFTER:
            self._good = 0
            self.limit *= 2

    def strike(self, pack: Pack) -> int:
        """One more refusal of that pack; returns how many there were."""
        key = _key(pack)
        self._strikes[key] = self._strikes.get(key, 0) + 1
        return self._strikes[key]

    def ended(self, code: int, flying: Sequence[tuple[Pack, int]]) -> Pack | None:
        """The connection ended with that reason code while these packs (and the sizes of their
        bodies) were in flight. Returns the one to give up, if any."""
        if not flying:
            return None
        self._good = 0
        if code in _PACKS_FAULT:
            return self._accused(code, flying)
        if code == 0:
            self._without_a_word(max(size for _, size in flying))
        return None

    def _accused(self, code: int, flying: Sequence[tuple[Pack, int]]) -> Pack | None:
        pack, size = flying[0]
        if len(flying) > 1 or not self.careful:
            self.careful = True
            return None
        if code == words.PACKET_TOO_LARGE and pack.count > 1:
            self.limit = size // 2
            return None
        if self.strike(pack) < TRIES:
            return None
        del self._strikes[_key(pack)]
        return pack

    def _without_a_word(self, size: int) -> None:
        self._fruitless += 1
        if self._fruitless >= TRIES and size > _SMALLEST:
            self._fruitless = 0
            self.limit = max(size // 2, _SMALLEST)


def _key(pack: Pack) -> Key:
    return pack.epoch, pack.stream, pack.first
