"""Which detectors have been silent for too long. Pure.

A detector that says nothing may be dead, and its space taken: after the limit its points are bad,
and stay so until it speaks. Silence is never taken for a free space.
"""

from collections.abc import Iterable


class Presence:
    def __init__(self, labels: Iterable[str], limit: float, now: float) -> None:
        """Seconds, of any clock that does not stop while the machine sleeps."""
        self._limit = limit
        self._due = dict.fromkeys(labels, now + limit)

    def heard(self, label: str, now: float) -> None:
        self._due[label] = now + self._limit

    def wait(self, now: float) -> float:
        """Until the next may be overdue."""
        return max(0.0, min(self._due.values(), default=now + self._limit) - now)

    def overdue(self, now: float) -> list[str]:
        """Each of them again after the limit, while it stays silent."""
        found = [label for label, due in self._due.items() if due <= now]
        for label in found:
            self._due[label] = now + self._limit
        return found
