"""What happens between two settled fields: the wave of something that moves."""

from collections.abc import Collection, Iterable

from agent.parking.block import Block, Vector, distance
from agent.parking.parameters import Parameters


class Wave:
    """Extremes and steepest slope since the field left its level."""

    __slots__ = ("_high", "_low", "_p", "begin", "blind", "fast", "level", "remote", "slope")

    def __init__(
        self, p: Parameters, begin: float, level: Vector | None, *, blind: bool = False
    ) -> None:
        self._p = p
        self._low = self._high = level
        self.begin = begin  # s
        self.level = level  # uT, before; None where nothing is known yet
        self.blind = blind  # samples are missing, and what they would have shown
        self.fast = False  # it has been called an arrival already
        self.remote = 0  # blocks on end that were far from the empty field
        self.slope = 0.0  # uT/s, noise taken off

    def add(self, block: Block, noise: float) -> None:
        """`noise` as in Parameters."""
        low, high = self._low or block.low, self._high or block.high
        x, y, z = map(min, low, block.low)
        self._low = x, y, z
        x, y, z = map(max, high, block.high)
        self._high = x, y, z
        slope = (block.step - self._p.wave_noise * noise) / block.pause
        self.slope = max(self.slope, slope)

    def swing(self, noise: float) -> float:
        """uT, L1 between the extremes, noise taken off."""
        if self._low is None or self._high is None:
            return 0.0
        return max(0.0, distance(self._high, self._low) - self._p.wave_noise * noise)

    def overhead(self, noise: float, field: Vector) -> bool:
        """Whether it came from above the sensor, and not from the next bay or the aisle.

        `field` (uT) is the one after the wave.
        """
        swing = self.swing(noise)
        if swing - distance(field, self.level or field) < self._p.wave_excess:
            return False
        steep = self.slope >= self._p.wave_slope
        return swing >= self._p.wave_alone or (steep and swing >= self._p.wave_swing)


def calm(block: Block, level: Vector, noise: float, p: Parameters) -> bool:
    """Whether noise and drift alone explain the block."""
    return _quiet(block, noise, p) and distance(block.mean, level) <= _shift(noise, p)


def agree(blocks: Collection[Block], p: Parameters, noise: float) -> bool:
    """Whether nothing moves in any of the blocks, nor from one to the next."""
    if not all(_quiet(block, noise, p) for block in blocks):
        return False
    axes: Iterable[Vector] = zip(*(block.mean for block in blocks), strict=True)
    apart = sum(max(axis) - min(axis) for axis in axes)
    return apart <= p.agree * _shift(noise, p)


def stationary(blocks: Collection[Block], p: Parameters) -> bool:
    """Whether the blocks differ as those of mere noise do, however much it is."""
    spans = [block.span for block in blocks]
    return max(spans) <= min(2.0 * min(spans) + p.calm_shift, p.noise_limit)


def _quiet(block: Block, noise: float, p: Parameters) -> bool:
    return block.span <= max(p.calm_span, p.calm_span_noise * noise)


def _shift(noise: float, p: Parameters) -> float:
    return max(p.calm_shift, p.calm_shift_noise * noise)
