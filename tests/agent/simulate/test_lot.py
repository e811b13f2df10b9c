"""A simulated car park has rush hours, and single spaces that come and go."""

from agent.simulate.lot import Space, demand
from agent.simulate.script import script_named

RUSHES = script_named("parking").rushes
HOUR = 3600.0


def lot(seed: int = 1, spaces: int = 60) -> dict[float, int]:
    """Hour -> how many of the spaces are taken."""
    all_of_them = [Space(seed, f"s{n}", RUSHES) for n in range(spaces)]
    return {h: sum(space.at(h * HOUR).occupied for space in all_of_them) for h in range(24)}


def test_a_lot_fills_in_the_morning_and_empties_at_night() -> None:
    taken = lot()
    assert taken[4] < 25
    assert taken[10] > 50
    assert taken[23] < taken[10] / 2


def test_the_same_seed_brings_the_same_cars() -> None:
    assert lot() == lot()
    assert lot() != lot(seed=2)


def test_demand_is_a_share() -> None:
    assert all(0 < demand(RUSHES, 600.0 * n) <= 1 for n in range(144))


def test_a_stand_says_since_when_and_changes_alternate() -> None:
    space = Space(3, "a", RUSHES)
    stands = [space.at(30.0 * n) for n in range(2 * 2880)]
    changes = [s for n, s in enumerate(stands) if n and s.changes != stands[n - 1].changes]
    assert len(changes) > 3
    for stand in changes:
        assert stand.occupied == (stand.changes % 2 == (0 if stands[0].occupied else 1))
        assert 0 < stand.since <= 2 * 86400


def test_a_car_bends_the_field_while_it_stands_and_moves_it_while_it_comes() -> None:
    space = Space(3, "a", RUSHES)
    time = 0.0
    while not space.at(time).occupied or space.at(time).changes == 0:
        time += 10.0
    since = space.at(time).since
    coming = [space.field(since + step / 10) for step in range(60)]
    standing = coming[-1]
    assert 14 < sum(axis**2 for axis in standing) ** 0.5 < 46
    assert sum(map(abs, coming[0])) == 0
    assert len(set(coming[:40])) == 40
    assert len(set(coming[41:])) == 1
