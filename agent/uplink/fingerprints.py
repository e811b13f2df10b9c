"""A small print of each record that arrived, to tell a repetition from a contradiction."""

from array import array
from collections import OrderedDict
from collections.abc import Hashable

from agent.uplink.formats.arrival import Occurrence, Sample

BLOCK = 1024  # consecutive numbers whose prints are kept together, 8 KiB
TIME = 0xFFFF  # the bits of a print that stand for the time; 0: the time was an estimate
CONTENT = 0xFFFF_FFFF_FFFF_0000


class Fingerprints:
    """Exact for at least the `keys` numbers that came last, where they came in a row."""

    def __init__(self, keys: int) -> None:
        self._most = keys // BLOCK + 16
        self._blocks: OrderedDict[tuple[Hashable, int], array[int]] = OrderedDict()

    def same(self, key: Hashable, number: int, record: Sample | Occurrence) -> bool | None:
        """Whether the record equals the one kept for this number; None when none is kept.

        Keeps it then. An estimated time may be corrected later, so it equals any other.
        """
        block, place = self._block((key, number // BLOCK)), number % BLOCK
        old, new = block[place], _print(record)
        if old == 0:
            block[place] = new
            return None
        if not old & TIME:
            block[place] = new if old & CONTENT == new & CONTENT else old
        timeless = not old & TIME or not new & TIME
        return old & CONTENT == new & CONTENT if timeless else old == new

    def _block(self, name: tuple[Hashable, int]) -> "array[int]":
        block = self._blocks.get(name)
        if block is None:
            block = self._blocks[name] = array("Q", bytes(8 * BLOCK))
            if len(self._blocks) > self._most:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(name)
        return block


def _print(record: Sample | Occurrence) -> int:
    if isinstance(record, Sample):
        content = hash((record.device, record.point, record.unit, record.value, record.quality))
    else:
        content = hash((record.kind, record.subject, repr(sorted(record.data.items()))))
    time = 0 if record.estimated else hash((record.at, "ms")) & TIME or 1
    return (content & CONTENT or TIME + 1) | time
