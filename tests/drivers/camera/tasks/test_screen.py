"""What hides a space keeps it from becoming free; what its own vehicle does, does not."""

from collections.abc import Mapping

from drivers.camera.sight import TILES, Happened, Measured, Sight, View
from drivers.camera.tasks import Watch
from drivers.camera.tasks.screen import BELIEVED, Screen, own_tiles, tiles_of
from drivers.camera.tasks.watch import Wishes
from drivers.camera.zones import Zones

SIZE = (1600, 900)  # tiles of 100 by 100
SPACES = [f"s-{n}" for n in range(8)]


def zones(edge: float = 60.0, count: int = 8) -> Zones:
    """Spaces in a row, each in the middle of a tile of its own, with one tile between two."""
    spaces = []
    for n in range(count):
        left, top = 150.0 + 200 * n - edge / 2, 450.0 - edge / 2
        corners = [[left, top], [left + edge, top], [left + edge, top + edge], [left, top + edge]]
        spaces.append({"id": f"s-{n}", "polygon": corners})
    return Zones.model_validate({"camera": "lot", "size": SIZE, "spaces": spaces})


def look(at: float, chances: Mapping[str, float], hidden: frozenset[int] = frozenset()) -> Sight:
    view = View(brightness=110, contrast=50, blur=0.24, grain=0.1, glare=0.0, hidden=hidden)
    return Sight(at, SIZE, changed=True, spaces=chances, view=view)


def all_but(*free: str) -> dict[str, float]:
    return {one: 0.03 if one in free else 0.97 for one in SPACES}


def tile(number: int) -> frozenset[int]:
    """That the space lies in."""
    return frozenset({4 * TILES[0] + 1 + 2 * number})


def test_a_space_knows_its_tiles() -> None:
    row = zones()
    assert tiles_of(row.spaces[0].polygon, SIZE) == tile(0)
    wide = [(90.0, 410.0), (180.0, 410.0), (180.0, 490.0), (90.0, 490.0)]
    assert tiles_of(wide, SIZE) == tile(0) | {4 * TILES[0]}
    assert own_tiles(row) == frozenset()
    assert own_tiles(zones(edge=80)) == frozenset().union(*(tile(n) for n in range(8)))


def test_behind_something_no_space_becomes_free_and_then_it_is_unseen() -> None:
    screen = Screen(zones(), {})
    screen.sift(look(0, all_but()))
    seen = screen.sift(look(1, all_but("s-2"), tile(2)))
    assert seen.spaces == {one: 0.97 for one in SPACES if one != "s-2"}
    assert seen.unseen == frozenset()
    assert screen.sift(look(12, all_but("s-2"), tile(2))).unseen == {"s-2"}
    back = screen.sift(look(13, all_but("s-2")))
    assert back.spaces is not None
    assert back.spaces["s-2"] == 0.03
    assert back.unseen == frozenset()


def test_what_is_seen_to_be_taken_is_taken_whatever_is_around_it() -> None:
    seen = Screen(zones(), {}).sift(look(0, all_but(), tile(2)))
    assert seen.spaces == all_but()


def test_spaces_that_become_free_together_are_not_believed() -> None:
    screen = Screen(zones(), {})
    together = ("s-1", "s-4", "s-6")
    screen.sift(look(0, all_but("s-0")))
    for at in (1.0, 12.0, 100.0):
        seen = screen.sift(look(at, all_but("s-0", *together)))
        assert seen.spaces is not None
        assert set(seen.spaces) == set(SPACES) - set(together)
    assert screen.sift(look(200, all_but("s-0", *together))).unseen == set(together)
    seen = screen.sift(look(201, all_but("s-0", "s-1")))
    assert seen.unseen == {"s-1"}
    again = screen.sift(look(202, all_but("s-0", "s-1", "s-4")))
    assert again.spaces is not None
    assert again.spaces["s-4"] == 0.03
    late = screen.sift(look(1 + BELIEVED, all_but("s-0", "s-1", "s-4")))
    assert late.spaces is not None
    assert late.spaces["s-1"] == 0.03


def test_spaces_that_become_free_one_by_one_are() -> None:
    screen = Screen(zones(), {})
    for n in range(len(SPACES)):
        chances = all_but(*SPACES[:n])
        assert screen.sift(look(float(n), chances)).spaces == chances


def test_after_a_lost_view_all_may_be_free() -> None:
    screen = Screen(zones(), {})
    screen.sift(look(0, all_but()))
    screen.forget()
    assert screen.sift(look(500, all_but(*SPACES))).spaces == all_but(*SPACES)


def test_an_unseen_space_is_told_once_and_is_known_again() -> None:
    watch = Watch("lot", zones(), Wishes(["occupancy"]))
    for at in range(5):
        watch.see(look(float(at), all_but()))
    found = [f for at in range(5, 60) for f in watch.see(look(at, all_but("s-2"), tile(2)))]
    states = [(f.subject, f.data["state"]) for f in found if isinstance(f, Happened)]
    assert states == [("s-2", "unknown")]
    assert found.count(Measured("occupied_s-2", None, "view_covered")) == 1
    found = [f for at in range(60, 70) for f in watch.see(look(at, all_but("s-2")))]
    states = [(f.subject, f.data["state"]) for f in found if isinstance(f, Happened)]
    assert states == [("s-2", "free")]
