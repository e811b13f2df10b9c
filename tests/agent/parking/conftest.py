"""Traces: made by a street of our own, and the recorded ones where they are at hand."""

import math
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.agent.parking.scoring import recorded
from tests.agent.parking.street import EARTH, RATE, SCENARIOS, Sample, Street, Trace

SHARED = Path(__file__).parents[4] / "shared" / "data" / "magnetometer"


@cache
def _built(scenario: str, seed: int) -> Trace:
    return Street(SCENARIOS[scenario], seed).build()


@pytest.fixture
def street() -> Callable[[str, int], Trace]:
    """The trace of a scenario and seed, six stays long."""
    return _built


@pytest.fixture
def shared_trace() -> Callable[[str], Trace]:
    """A recorded trace by name; skips where there is none."""

    def read(name: str) -> Trace:
        file = SHARED / f"{name}.csv.gz"
        if not file.exists():
            pytest.skip(f"the recorded trace {name} is not at hand (../shared/data/magnetometer)")
        return recorded(file)

    return read


Quiet = Callable[..., list[Sample]]


@pytest.fixture
def quiet() -> Quiet:
    """Samples from `begin` to `end` (s) of a field that only trembles: EARTH plus `change`."""

    def make(
        begin: float, end: float, change: tuple[float, float, float] = (0, 0, 0), noise: float = 0.1
    ) -> list[Sample]:
        luck = random.Random(1)
        ex, ey, ez = (e + c for e, c in zip(EARTH, change, strict=True))
        return [
            (
                i / RATE,
                ex + luck.gauss(0, noise),
                ey + luck.gauss(0, noise),
                ez + luck.gauss(0, noise),
            )
            for i in range(math.ceil(begin * RATE), math.ceil(end * RATE))
        ]

    return make
