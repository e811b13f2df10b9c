"""The view guard: a camera that was moved, covered, blinded or blurred says nothing about spaces.

How sharp the picture is, is compared with what this camera usually has: a slowly following mean of
the looks that were well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.camera.sight import TILES, Finding, Happened, View

LOOKS = 2  # in a row that are bad before the view is, and that are well before it is again
PASSING = 10.0  # s for which a large vehicle may fill the picture
MOVED = 0.009  # of the width
DARK, FLAT = 28.0, 9.0  # gray levels: mean, standard deviation
GLARE = 0.35  # share of the picture
DIM, GRAIN = 80.0, 0.2  # gray levels below which noise is the night's; noise, of the contrast
BLURRED = 0.5  # 0 to 1
MORE_BLURRED = 0.1  # than usual
STRANGE = 0.25  # share of the tiles that are not as they were
COVERED = 0.12  # share of the tiles that something smooth hides
FOLLOW = 0.02  # weight of a new look in what is usual


@dataclass(slots=True)
class Guard:
    """`reason` is empty while the view is well; of a camera that has not been seen it is not.
    `whole`: all of the picture matters, as where spaces are watched; else a lorry may wait in it.
    """

    camera: str
    whole: bool = True
    reason: str = "not_seen"
    _blur: float | None = None
    _bad: int = 0
    _well: int = 0
    _since: float = 0.0  # when it began to be bad

    def look(self, view: View, at: float) -> Sequence[Finding]:
        """At every measured look; what is told when the view is lost, or back. `at`: s."""
        problem = self.problem(view)
        if problem:
            self._since = at if not self._bad else self._since
            self._bad, self._well = self._bad + 1, 0
        else:
            self._bad, self._well = 0, self._well + 1
            self._follow(view)
        lost = self._bad >= LOOKS and at - self._since >= PASSING
        if problem and lost and self.reason in {"", "not_seen"}:
            self.reason = problem
            return [Happened("view.lost", self.camera, {"reason": problem, **_figures(view)})]
        if not problem and self._well >= LOOKS and self.reason:
            before, self.reason = self.reason, ""
            first = before == "not_seen"
            return [] if first else [Happened("view.back", self.camera, {"reason": before})]
        return []

    @property
    def blind(self) -> str:
        """Why nothing may be concluded from a look; doubt is enough. Empty: it may."""
        return self.reason or ("view_doubtful" if self._bad else "")

    def problem(self, view: View) -> str:
        """What is wrong with a single look; empty when nothing is."""
        if view.contrast < FLAT:
            return "view_dark" if view.brightness < DARK else "view_covered"
        if view.brightness < DARK or (view.brightness < DIM and view.grain > GRAIN):
            return "view_dark"
        if view.glare > GLARE:
            return "view_glare"
        if view.blur > min(BLURRED, (self._blur or 1.0) + MORE_BLURRED):
            return "view_blurred"
        return self._elsewhere(view)

    def _elsewhere(self, view: View) -> str:
        elsewhere = view.shift is None or view.shift > MOVED
        hidden = len(view.hidden) > COVERED * TILES[0] * TILES[1]
        if hidden and (self.whole or elsewhere):
            return "view_covered"
        if elsewhere:
            return "view_moved"
        return "view_covered" if self.whole and view.strange > STRANGE else ""

    def _follow(self, view: View) -> None:
        usual = view.blur if self._blur is None else self._blur
        self._blur = usual + FOLLOW * (view.blur - usual)


def _figures(view: View) -> dict[str, float | int | str | bool | None]:
    return {
        "brightness": round(view.brightness, 1),
        "contrast": round(view.contrast, 1),
        "blur": round(view.blur, 3),
        "shift": None if view.shift is None else round(view.shift, 4),
        "strange": round(view.strange, 3),
    }
