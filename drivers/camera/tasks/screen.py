"""Which spaces something hides: a cloth, a hand, drops on the glass. Pure.

Something smooth before a space looks like an empty one. So as long as a tile of the picture is
hidden, no space in it becomes free, and after a while it is unseen; and where several become free
from one look to the next, which vehicles do not do, they are unseen until they are seen taken
again, or for some time. A space that is seen to be taken is: a lorry's side is smooth, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import ceil

from drivers.camera.sight import TILES, Polygon, Sight
from drivers.camera.zones import NoParking, Space, Zones

PASSING = 10.0  # s
TOUCHED = 0.1  # of a space: so much of it in a hidden tile, and the space is hidden
OWN = 0.5  # of a tile: so much of it in a space, and what changes there is the space's vehicle
CLEARLY = 0.1  # beyond the threshold
TOGETHER = 3  # spaces, or a twentieth of all
BELIEVED = 600.0  # s after which those that became free together are


class Screen:
    def __init__(self, zones: Zones, thresholds: Mapping[str, float]) -> None:
        """`thresholds`: of each space; "" for all others."""
        areas: tuple[Space | NoParking, ...] = (*zones.spaces, *zones.no_parking)
        self._tiles = {one.id: tiles_of(one.polygon, zones.size) for one in areas}
        self._thresholds: dict[str, float] = {}
        self.retune(thresholds)
        self._hidden: frozenset[int] = frozenset()  # tiles, at the last look at the view
        self._since: dict[str, float] = {}  # when a space began to say nothing
        self._before: Mapping[str, float] = {}  # chances at the look before
        self._together: dict[str, float] = {}  # when a space became free with others

    def retune(self, thresholds: Mapping[str, float]) -> None:
        """As at the beginning; from now on."""
        usual = thresholds.get("", 0.5)
        self._thresholds = {one: thresholds.get(one, usual) for one in self._tiles}

    def forget(self) -> None:
        """The view was lost: all may be otherwise afterwards."""
        self._since, self._before, self._together = {}, {}, {}

    def sift(self, sight: Sight) -> Sight:
        """Without the chances that say nothing, with the spaces that are unseen."""
        if sight.view is not None:
            self._hidden = _with_neighbours(sight.view.hidden)
        if sight.spaces is None:
            behind = set(self._since)
        else:
            self._count(sight.spaces, sight.at)
            behind = {one for one in self._tiles if self._says_nothing(one, sight.spaces)}
        self._since = {one: self._since.get(one, sight.at) for one in behind}
        unseen = {one for one, since in self._since.items() if sight.at - since >= PASSING}
        if sight.spaces is None:
            return replace(sight, unseen=frozenset(unseen))
        spaces = {one: chance for one, chance in sight.spaces.items() if one not in behind}
        return replace(sight, spaces=spaces, unseen=frozenset(unseen))

    def _says_nothing(self, space: str, chances: Mapping[str, float]) -> bool:
        empty = chances.get(space, 0.0) <= self._thresholds[space]
        return empty and (bool(self._tiles[space] & self._hidden) or space in self._together)

    def _count(self, chances: Mapping[str, float], at: float) -> None:
        """Those that became free together, at this look or not long ago."""
        self._together = {
            one: since
            for one, since in self._together.items()
            if at - since < BELIEVED and chances.get(one, 0.0) <= self._thresholds[one]
        }
        fallen = [one for one in chances if self._fell(one, chances)]
        if len(fallen) >= max(TOGETHER, len(self._tiles) / 20):
            self._together |= dict.fromkeys(fallen, at)
        self._before = chances

    def _fell(self, space: str, chances: Mapping[str, float]) -> bool:
        threshold = self._thresholds.get(space, 0.5)
        before = self._before.get(space, 0.0)
        return before > threshold + CLEARLY and chances[space] <= threshold


def tiles_of(polygon: Polygon, size: tuple[int, int]) -> frozenset[int]:
    """That hold a good part of its bounding box."""
    return frozenset(tile for tile, share, _ in _shares(polygon, size) if share >= TOUCHED)


def own_tiles(zones: Zones) -> frozenset[int]:
    """That a single space fills: when its vehicle leaves, what was there fades as well."""
    areas: tuple[Space | NoParking, ...] = (*zones.spaces, *zones.no_parking)
    found = [_shares(one.polygon, zones.size) for one in areas]
    return frozenset(tile for shares in found for tile, _, filled in shares if filled >= OWN)


def _shares(polygon: Polygon, size: tuple[int, int]) -> Iterator[tuple[int, float, float]]:
    """(tile, share of the polygon's bounding box in it, share of the tile in that)."""
    (left, right), (top, bottom) = (
        (min(values), max(values)) for values in zip(*polygon, strict=True)
    )
    wide, high = size[0] / TILES[0], size[1] / TILES[1]
    for row in range(int(top / high), min(TILES[1], ceil(bottom / high))):
        for column in range(int(left / wide), min(TILES[0], ceil(right / wide))):
            across = min(right, (column + 1) * wide) - max(left, column * wide)
            down = min(bottom, (row + 1) * high) - max(top, row * high)
            both, whole = across * down, (right - left) * (bottom - top)
            yield row * TILES[0] + column, both / whole, both / (wide * high)


def _with_neighbours(tiles: frozenset[int]) -> frozenset[int]:
    """What hides a tile reaches into those around it, too little to hide them."""
    across, down = TILES
    return frozenset(
        row * across + column
        for tile in tiles
        for row in range(max(0, tile // across - 1), min(down, tile // across + 2))
        for column in range(max(0, tile % across - 1), min(across, tile % across + 2))
    )
