"""Which spaces something hides: a cloth, a hand, snow on the glass. Pure.

Something smooth before a space looks like an empty one: as long as its tile of the picture is
hidden, no space in it becomes free, and after a while it is unseen. One that is seen to be
occupied is: a lorry's side is smooth, too.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from drivers.camera.sight import TILES, Polygon, Sight
from drivers.camera.zones import NoParking, Space, Zones

PASSING = 10.0  # s
TOUCHED = 0.1  # of a space: so much of it in a hidden tile, and the space is hidden


class Screen:
    def __init__(self, zones: Zones, thresholds: Mapping[str, float]) -> None:
        """`thresholds`: of each space; "" for all others."""
        usual = thresholds.get("", 0.5)
        areas: tuple[Space | NoParking, ...] = (*zones.spaces, *zones.no_parking)
        self._tiles = {one.id: tiles_of(one.polygon, zones.size) for one in areas}
        self._thresholds = {one.id: thresholds.get(one.id, usual) for one in areas}
        self._hidden: frozenset[int] = frozenset()  # tiles, at the last look at the view
        self._since: dict[str, float] = {}

    def sift(self, sight: Sight) -> Sight:
        """Without the chances that say nothing, with the spaces that are unseen."""
        if sight.view is not None:
            self._hidden = _with_neighbours(sight.view.hidden)
        chances = sight.spaces or {}
        empty = {one for one in self._tiles if chances.get(one, 0.0) <= self._thresholds[one]}
        behind = {one for one in empty if self._tiles[one] & self._hidden}
        if sight.spaces is None:
            behind |= set(self._since) if self._hidden else set()
        self._since = {one: self._since.get(one, sight.at) for one in behind}
        unseen = {one for one, since in self._since.items() if sight.at - since >= PASSING}
        spaces = {one: chance for one, chance in chances.items() if one not in behind}
        return replace(
            sight, spaces=None if sight.spaces is None else spaces, unseen=frozenset(unseen)
        )


def tiles_of(polygon: Polygon, size: tuple[int, int]) -> frozenset[int]:
    """That hold a good part of its bounding box."""
    (left, right), (top, bottom) = (
        (min(values), max(values)) for values in zip(*polygon, strict=True)
    )
    wide, high = size[0] / TILES[0], size[1] / TILES[1]
    found = set()
    for row in range(int(top / high), min(TILES[1], ceil(bottom / high))):
        for column in range(int(left / wide), min(TILES[0], ceil(right / wide))):
            across = min(right, (column + 1) * wide) - max(left, column * wide)
            down = min(bottom, (row + 1) * high) - max(top, row * high)
            if across * down >= TOUCHED * (right - left) * (bottom - top):
                found.add(row * TILES[0] + column)
    return frozenset(found)


def _with_neighbours(tiles: frozenset[int]) -> frozenset[int]:
    """What hides a tile reaches into those around it, too little to hide them."""
    across, down = TILES
    return frozenset(
        row * across + column
        for tile in tiles
        for row in range(max(0, tile // across - 1), min(down, tile // across + 2))
        for column in range(max(0, tile % across - 1), min(across, tile % across + 2))
    )
