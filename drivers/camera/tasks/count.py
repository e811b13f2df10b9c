"""`count`: vehicles that cross a line, each way, by their plates. Pure."""

from collections import Counter
from collections.abc import Sequence

from drivers.camera.sight import Finding, Measured, Need, PointSpec, Sight
from drivers.camera.tasks.tracker import Track, Tracker, crossing
from drivers.camera.zones import Line

PATIENCE = 3.0  # s without a sighting that end a track
EVERY = 60.0  # s between two readings


class CountTask:
    needs: frozenset[Need] = frozenset({"plates"})

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._tracker = Tracker(PATIENCE)
        self._totals: Counter[str] = Counter({point.id: 0 for point in self.points})
        self._told = float("-inf")

    @property
    def points(self) -> Sequence[PointSpec]:
        names = [f"{line.id}_{way}" for line in self._lines for way in ("in", "out")]
        return [PointSpec(name, kind="counter") for name in names]

    def see(self, sight: Sight) -> Sequence[Finding]:
        """Totals once a minute; they start again from 0 with the camera's process."""
        if sight.plates is not None:
            self._count(self._tracker.look(sight.at, sight.plates))
        if sight.at - self._told < EVERY:
            return ()
        self._told = sight.at
        return [Measured(name, total) for name, total in self._totals.items()]

    def blind(self, at: float, reason: str) -> Sequence[Finding]:
        """What is under way is counted as far as it was seen; nothing is known from now on."""
        self._count(self._tracker.end_all())
        self._told = at
        return [Measured(name, None, reason) for name in self._totals]

    def _count(self, ended: Sequence[Track]) -> None:
        for track in ended:
            for line in self._lines:
                net = crossing(track.path, line.start, line.end)
                if net:
                    self._totals[f"{line.id}_{'in' if net > 0 else 'out'}"] += 1
