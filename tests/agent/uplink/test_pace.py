"""How long to wait, and whom to try."""

import pytest

from agent.uplink.pace import Pace, Rota
from agent.uplink.words import LOST, REFUSED, TAKEN_OVER


@pytest.mark.parametrize(
    ("reason", "lowest", "highest"),
    [(LOST, 0.1, 60), (REFUSED, 60, 900), (TAKEN_OVER, 60, 3600)],
)
def test_waits_are_random_and_bounded(reason: str, lowest: float, highest: float) -> None:
    pace = Pace()
    waits = [pace.after(reason, attempt) for attempt in (1, 2, 5, 40) for _ in range(200)]
    assert all(lowest <= wait <= highest for wait in waits)
    assert len(set(waits)) > 700
    assert max(waits) > highest / 2


def test_the_first_wait_after_a_lost_connection_is_short() -> None:
    assert all(Pace().after(LOST, 1) <= 1.0 for _ in range(100))


def test_brokers_are_tried_in_turn_each_with_its_own_wait() -> None:
    rota = Rota(["a", "b"], Pace())
    assert rota.next(0.0) == ("a", 0.0)
    left_alone = rota.failed("a", REFUSED, 0.0)
    assert rota.next(0.0) == ("b", 0.0)
    soon = rota.failed("b", LOST, 0.0)
    assert rota.next(0.0) == ("b", soon)
    assert rota.next(left_alone) == ("a", 0.0)


def test_a_good_connection_makes_the_next_wait_short() -> None:
    rota = Rota(["a"], Pace())
    for _ in range(20):
        rota.failed("a", LOST, 0.0)
    rota.healthy("a")
    assert rota.failed("a", LOST, 0.0) <= 1.0
