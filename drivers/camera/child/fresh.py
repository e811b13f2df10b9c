"""Which frames of a stream are from now."""

from drivers.camera.child.lost import Lost

PAUSE = 0.004  # s: a frame without a time that took less to come lay in a buffer
LATE = 0.5  # s that a frame may be behind the freshest one, by the stream's own clock
BEHIND = 3.0  # s in a row that frames may be late, before the stream is opened anew


class Freshness:
    """Which frames are from now. Pure; s. Raises Lost when none will be any more.

    What was buffered, by the camera, on the way or here, comes faster than a camera makes it: by
    the stream's own clock each frame is less behind than the one before. The first that is not is
    the first fresh one, and the measure of all that follow.
    """

    def __init__(self) -> None:
        self._settled = False
        self._before: tuple[float, float] | None = None  # when the last one came, its stamp
        self._least = 0.0  # of (our clock - the stream's): the freshest frame's
        self._late_since: float | None = None

    def take(self, began: float, came: float, stamp: float) -> bool:
        """A read that took from `began` to `came` brought a frame with this stamp."""
        before, self._before = self._before, (came, stamp)
        if before is None:
            return False
        passed, told = came - before[0], stamp - before[1]
        if told <= 0:
            return came - began >= PAUSE  # a stream without a clock
        lag = came - stamp
        if not self._settled:
            self._settled, self._least = passed > 0.5 * told, lag
            return self._settled
        self._least = min(lag, self._least + 0.0002 * (lag - self._least))  # two clocks drift apart
        return self._in_time(came, lag - self._least)

    def _in_time(self, came: float, behind: float) -> bool:
        if behind <= LATE:
            self._late_since = None
            return True
        self._late_since = self._late_since if self._late_since is not None else came
        if came - self._late_since > BEHIND:
            raise Lost("late")
        return False
