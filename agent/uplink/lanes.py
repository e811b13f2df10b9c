"""Whose turn it is: live before backlog, events before telemetry, pictures last. Pure; times are
monotonic.

A topic that nobody subscribes to (PUBACK 0x10) is held: its packs go back to the outbox, and one
record every few seconds looks whether somebody listens now. The other topics go on.
"""

from dataclasses import dataclass, field

from agent.contract import EVENTS, MEDIA, TELEMETRY, Lane

Topic = tuple[str, Lane]
_READINGS: Topic = (TELEMETRY, Lane.LIVE)
ORDER: tuple[Topic, ...] = (
    (EVENTS, Lane.LIVE),
    _READINGS,
    (EVENTS, Lane.BACKLOG),
    (TELEMETRY, Lane.BACKLOG),
    (MEDIA, Lane.LIVE),
    (MEDIA, Lane.BACKLOG),
)


@dataclass(slots=True)
class Lanes:
    """`live_period`: new readings are gathered that long; `probe`: s between looks."""

    live_period: float
    probe: float
    _open: list[Topic] = field(default_factory=lambda: list(ORDER))  # that may have something
    _held: dict[Topic, float] = field(default_factory=dict)  # topic -> the next look
    _gathered: float = 0.0  # when the live lane of readings may be asked again

    def turn(self, now: float, free: int, window: int) -> Topic | None:
        """The topic to ask for a pack. The last free slot of a wider window is left to live."""
        for topic in self._open:
            if now < self._not_before(topic):
                continue
            urgent = topic[1] is Lane.LIVE and topic[0] != MEDIA
            if urgent or free > 1 or window == 1:
                return topic
        return None

    def due(self, after: float) -> float | None:
        """When a topic that had to wait at `after` may be asked; None: none had to."""
        waits = [self._not_before(topic) for topic in self._open]
        return min((wait for wait in waits if wait > after), default=None)

    def took(self, topic: Topic, now: float, *, full: bool) -> None:
        """A pack was taken; one that is not full has left nothing behind."""
        if not full and topic == _READINGS:
            self._gathered = now + self.live_period
        if topic in self._held:
            self._held[topic] = now + self.probe

    def dry(self, topic: Topic) -> None:
        """There was nothing."""
        self._open.remove(topic)

    def renewed(self) -> None:
        """There may be something new."""
        self._open[:] = ORDER

    def hold(self, topic: Topic, now: float) -> bool:
        """Nobody listens there. True when that is news."""
        news = topic not in self._held
        self._held[topic] = now + self.probe
        return news

    def release(self, topic: Topic) -> bool:
        """Somebody listens there, so perhaps to the others too. True when that is news."""
        news = topic in self._held
        if news:
            self._held.clear()
        return news

    def held(self, topic: Topic) -> bool:
        return topic in self._held

    @property
    def holding(self) -> bool:
        return bool(self._held)

    def _not_before(self, topic: Topic) -> float:
        gate = self._gathered if topic is _READINGS else 0.0
        return max(gate, self._held.get(topic, 0.0)) if self._held else gate
