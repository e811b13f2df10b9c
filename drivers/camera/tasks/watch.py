"""All tasks of one camera behind the guard of its view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from drivers.camera.sight import Finding, Need, PointSpec, Sight, Task
from drivers.camera.tasks.count import CountTask
from drivers.camera.tasks.guard import Guard
from drivers.camera.tasks.no_parking import NoParkingTask
from drivers.camera.tasks.occupancy import OccupancyTask
from drivers.camera.tasks.plates import PlateOptions, PlateTask
from drivers.camera.tasks.screen import Screen
from drivers.camera.zones import Zones

NAMES = ("plates", "occupancy", "no_parking", "count")


class Blindable(Task, Protocol):
    def blind(self, at: float, reason: str) -> Sequence[Finding]:
        """The view is bad from now on: nothing may be concluded until the next `see`."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """`thresholds`: of the occupancy net, by space; "" for all of the camera."""

    tasks: Sequence[str]
    plates: PlateOptions = field(default_factory=PlateOptions)
    thresholds: Mapping[str, float] = field(default_factory=dict)


class Watch:
    """`zones` are those of the frame's own size."""

    def __init__(self, camera: str, zones: Zones, wishes: Wishes) -> None:
        whole = bool({"occupancy", "no_parking"} & set(wishes.tasks))
        self._guard = Guard(camera, whole)
        self._screen = Screen(zones, wishes.thresholds)
        self._tasks = [_make(name, camera, zones, wishes) for name in wishes.tasks]
        self._readers = [task for task in self._tasks if isinstance(task, PlateTask)]
        self._blind = ""

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset(need for task in self._tasks for need in task.needs)

    @property
    def points(self) -> Sequence[PointSpec]:
        return [point for task in self._tasks for point in task.points]

    @property
    def doubtful(self) -> bool:
        """The view should be looked at closely."""
        return bool(self._guard.blind)

    def retune(self, thresholds: Mapping[str, float]) -> None:
        """As in `Wishes`; from now on."""
        for task in self._tasks:
            if isinstance(task, OccupancyTask):
                task.retune(thresholds)
            elif isinstance(task, NoParkingTask):
                task.retune(thresholds.get("", 0.5))
        self._screen.retune(thresholds)

    def see(self, sight: Sight) -> Sequence[Finding]:
        """While the view is in doubt nothing is concluded about spaces: perhaps a lorry fills it.
        Once it is lost, all is unknown but plates: what is read is read, wherever that is."""
        found: list[Finding] = []
        if sight.view is not None:
            found += self._guard.look(sight.view, sight.at)
        for task in self._readers:
            task.aimed = not self._guard.reason
        if self._guard.reason:
            read = [one for task in self._readers for one in task.see(sight)]
            return [*found, *self._shut(sight.at), *read]
        self._blind = ""
        if self._guard.blind:
            sight = replace(sight, spaces=None)
        sifted = self._screen.sift(sight)
        return [*found, *(one for task in self._tasks for one in task.see(sifted))]

    def lost(self, at: float, reason: str) -> Sequence[Finding]:
        """There are no frames."""
        self._guard = Guard(self._guard.camera, self._guard.whole)
        return self._close(at, reason, self._tasks)

    def _shut(self, at: float) -> Sequence[Finding]:
        reason = self._guard.reason
        if not reason or reason in {self._blind, "not_seen"}:
            return []
        return self._close(at, reason, [one for one in self._tasks if one not in self._readers])

    def _close(self, at: float, reason: str, tasks: Sequence[Blindable]) -> Sequence[Finding]:
        self._blind = reason
        self._screen.forget()
        return [one for task in tasks for one in task.blind(at, reason)]


def _make(name: str, camera: str, zones: Zones, wishes: Wishes) -> Blindable:
    if name == "plates":
        return PlateTask(camera, zones.lines, wishes.plates)
    if name == "occupancy":
        return OccupancyTask(camera, [space.id for space in zones.spaces], wishes.thresholds)
    if name == "no_parking":
        threshold = wishes.thresholds.get("", 0.5)
        anonymous = wishes.plates.anonymous
        return NoParkingTask(camera, zones.no_parking, threshold, anonymous=anonymous)
    if name == "count":
        return CountTask(zones.lines)
    raise ValueError(f"no task is called {name!r}; there are: {', '.join(NAMES)}")
