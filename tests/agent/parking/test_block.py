"""Samples become blocks of a second, or of four samples where they are rarer."""

import pytest

from agent.parking.block import Block, Gatherer, distance


def blocks(gatherer: Gatherer, pause: float, count: int) -> list[Block]:
    return [
        block
        for i in range(count)
        if (block := gatherer.add(i * pause, float(i), -2.0 * i, 0.0)) is not None
    ]


def test_five_a_second_make_a_block_a_second() -> None:
    made = blocks(Gatherer(1.0, 4), pause=0.2, count=21)
    assert [block.end for block in made] == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert made[1].mean == (8.0, -16.0, 0.0)
    assert (made[1].low, made[1].high) == ((6.0, -20.0, 0.0), (10.0, -12.0, 0.0))
    assert made[1].span == 12.0
    assert made[1].step == 3.0
    assert made[1].pause == pytest.approx(0.2)


def test_one_a_second_makes_a_block_of_four() -> None:
    made = blocks(Gatherer(1.0, 4), pause=1.0, count=12)
    assert [block.end for block in made] == [3.0, 7.0, 11.0]


def test_a_step_from_one_block_to_the_next_is_seen() -> None:
    gatherer = Gatherer(1.0, 4)
    for i in range(6):
        gatherer.add(i * 0.2, 0.0, 0.0, 0.0)
    made = [block for i in range(6, 11) if (block := gatherer.add(i * 0.2, 7.0, 0.0, 0.0))]
    assert [(block.span, block.step) for block in made] == [(0.0, 7.0)]


def test_distance_is_the_sum_over_the_axes() -> None:
    assert distance((1.0, -2.0, 3.0), (0.0, 2.0, 3.5)) == 5.5
