"""`occupancy`: which spaces are taken; what cannot be seen is unknown, never free."""

from collections.abc import Mapping, Sequence

from drivers.camera.sight import Finding, Happened, Measured, Need, PointSpec, Sight
from drivers.camera.tasks.steady import Steady

REPEAT = 300.0  # s after which an unchanged state is told again

WORDS = {True: "occupied", False: "free", None: "unknown"}


class OccupancyTask:
    needs: frozenset[Need] = frozenset({"spaces"})

    def __init__(self, camera: str, spaces: Sequence[str], thresholds: Mapping[str, float]) -> None:
        """`thresholds`: of each space; "" for all others of the camera."""
        usual = thresholds.get("", 0.5)
        self._camera = camera
        self._states = {space: Steady(thresholds.get(space, usual)) for space in spaces}
        self._told = dict.fromkeys(spaces, float("-inf"))

    @property
    def points(self) -> Sequence[PointSpec]:
        return [PointSpec(point_of(space)) for space in self._states]

    def retune(self, thresholds: Mapping[str, float]) -> None:
        """Others from now on; what is known stays until looks say otherwise."""
        usual = thresholds.get("", 0.5)
        for space, state in self._states.items():
            state.threshold = thresholds.get(space, usual)

    def see(self, sight: Sight) -> Sequence[Finding]:
        found: list[Finding] = []
        for space, chance in (sight.spaces or {}).items():
            state = self._states.get(space)
            if state is None:
                continue
            was = state.occupied
            if state.look(chance):
                found.append(self._changed(space, was, state, chance))
                self._told[space] = float("-inf")
            found += self._measured(space, state, sight.at)
        hidden = [space for space in self._states if space in sight.unseen]
        return [*found, *self._forget(hidden, sight.at, "view_covered", again=False)]

    def blind(self, at: float, reason: str) -> Sequence[Finding]:
        return self._forget(list(self._states), at, reason, again=True)

    def _forget(
        self, spaces: Sequence[str], at: float, reason: str, *, again: bool
    ) -> Sequence[Finding]:
        """`again`: it is told though it was unknown before."""
        found: list[Finding] = []
        for space in spaces:
            was = self._states[space].occupied
            if self._states[space].forget():
                found.append(self._changed(space, was, self._states[space], None))
            elif not again and at - self._told[space] < REPEAT:
                continue
            found.append(Measured(point_of(space), None, reason))
            self._told[space] = at
        return found

    def _changed(
        self, space: str, was: bool | None, state: Steady, chance: float | None
    ) -> Happened:
        data = {
            "camera": self._camera,
            "state": WORDS[state.occupied],
            "before": WORDS[was],
            "chance": None if chance is None else round(chance, 3),
        }
        return Happened("space.seen", space, data)

    def _measured(self, space: str, state: Steady, at: float) -> Sequence[Finding]:
        if state.occupied is None or at - self._told[space] < REPEAT:
            return ()
        self._told[space] = at
        return (Measured(point_of(space), state.occupied),)


def point_of(space: str) -> str:
    return f"occupied_{space}"
