"""When a device is due again, on a clock that the test turns."""

import pytest

from agent.clock import Clock
from agent.collect.breaker import Policy
from agent.collect.slot import Member, Outcome, Slot
from agent.contract import Device, DeviceFault, LinkLost, Misconfigured, PointInfo, Reading
from agent.status import DeviceStatus


class Silent:
    """A driver that nobody calls."""

    points = (PointInfo("level", "m"),)

    async def open(self) -> None:
        raise AssertionError

    async def close(self) -> None:
        raise AssertionError

    async def read(self) -> list[Reading]:
        raise AssertionError


class Course:
    """A device that is read at once whenever it is due."""

    def __init__(self, every: float = 10.0, policy: Policy | None = None) -> None:
        self.status = DeviceStatus()
        member = Member(Device("pump", "silent", every=every), Silent())
        policy = policy or Policy(jitter=0.0)
        self.slot = Slot(member, 100.0, policy, Clock(), self.status)

    def read(self, *, takes: float = 0.0) -> float:
        return self._next(self.slot.read([], takes, self.slot.due + takes))

    def fail(self, error: Exception, *, takes: float = 0.0) -> float:
        self.outcome = self.slot.failed(error, self.slot.due + takes)
        return self._next(self.outcome)

    def _next(self, outcome: Outcome) -> float:
        assert outcome.due is not None
        self.slot.due = outcome.due
        return outcome.due


def test_beats_are_absolute_and_do_not_drift() -> None:
    course = Course()
    assert [course.read(takes=3.7) for _ in range(4)] == [110, 120, 130, 140]
    assert course.status.skipped_beats == 0


def test_a_read_that_takes_longer_than_a_period_skips_beats() -> None:
    course = Course()
    assert course.read(takes=34.0) == 140
    assert course.status.skipped_beats == 3
    assert course.read() == 150
    assert course.status.skipped_beats == 3


def test_a_probe_comes_after_three_losses_and_then_the_old_grid_again() -> None:
    course = Course(every=4.0)
    lost = LinkLost("no answer")
    assert course.fail(lost, takes=0.5) == 104
    assert course.fail(lost, takes=0.5) == 108
    assert course.status.state == "degraded"
    assert course.fail(lost, takes=0.5) == 108.5 + 10
    assert course.status.state == "down"
    assert course.fail(lost, takes=0.5) == 119 + 20
    assert course.read(takes=0.5) == 140
    assert course.status.state == "ok"
    assert course.status.skipped_beats == 0, "beats that nobody meant to serve"


def test_a_late_answer_is_waited_out_even_by_a_probe() -> None:
    course = Course()
    lost = LinkLost("no answer", retry_after=25.0)
    assert course.fail(lost) == 130
    assert course.status.skipped_beats == 2
    assert course.fail(lost) == 160
    assert course.fail(lost) == 160 + 25


def test_a_wire_that_is_gone_is_looked_for_between_beats() -> None:
    course = Course(policy=Policy(look=2.0))
    gone = LinkLost("not there", reason="no_port")
    assert course.fail(gone) == 102
    assert len(course.outcome.readings) == 1
    assert [course.fail(gone) for _ in range(4)] == [104, 106, 108, 110]
    assert course.outcome.readings == []
    assert course.fail(gone) == 112
    assert len(course.outcome.readings) == 1
    assert not course.slot.breaker.open
    assert course.status.skipped_beats == 0


def test_a_wire_that_returns_brings_the_device_back_to_its_grid() -> None:
    course = Course(policy=Policy(look=2.0))
    course.fail(LinkLost("not there", reason="no_port"))
    assert course.read() == 110
    assert course.status.skipped_beats == 0


def test_an_error_of_the_device_keeps_its_pace() -> None:
    course = Course()
    assert [course.fail(DeviceFault("exception 4")) for _ in range(5)] == [
        110,
        120,
        130,
        140,
        150,
    ]


def test_a_mistake_in_the_configuration_is_final() -> None:
    course = Course()
    outcome = course.slot.failed(Misconfigured("no profile x"), 100.0)
    assert outcome.due is None
    assert course.status.state == "parked"


def test_bugs_are_tried_again_ever_later_and_raise_at_the_fifth() -> None:
    course = Course(every=1.0)
    bug = ZeroDivisionError("oh")
    pauses = []
    for _ in range(4):
        before = course.slot.due
        pauses.append(course.fail(bug) - before)
    assert pauses == [10, 20, 40, 60]
    with pytest.raises(ZeroDivisionError):
        course.fail(bug)


def test_bugs_with_an_answer_in_between_are_not_in_a_row() -> None:
    course = Course()
    for _ in range(7):
        course.fail(ZeroDivisionError("oh"))
        course.fail(LinkLost("no answer"))


def test_the_response_time_is_a_moving_mean() -> None:
    course = Course()
    course.read(takes=1.0)
    assert course.status.response == 1.0
    course.read(takes=2.0)
    assert course.status.response == pytest.approx(1.2)
