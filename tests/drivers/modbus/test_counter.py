"""Counters never fall, whatever the device shows."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.counter import Counter

MODULUS = 65536


def seen(*raws: float, modulus: int = MODULUS) -> Counter:
    counter = Counter()
    for raw in raws:
        counter = counter.see(raw, modulus)
    return counter


def test_the_first_total_is_what_the_device_shows() -> None:
    assert seen(1234).total == 1234


def test_a_wrap_counts_on() -> None:
    counter = seen(65530, 10)
    assert (counter.total, counter.resets) == (65546, 0)


def test_a_reset_is_counted_and_the_total_goes_on() -> None:
    counter = seen(500, 3, 8)
    assert (counter.total, counter.resets) == (508, 1)


def test_what_was_counted_survives_a_restart() -> None:
    counter = seen(65530, 10, 20000, 4)
    assert Counter.from_text(counter.to_text()) == counter
    assert Counter.from_text(Counter().to_text()) == Counter()


def test_a_damaged_memory_starts_anew() -> None:
    assert Counter.from_text("no counter") == Counter()
    assert Counter.from_text("") == Counter()


@given(st.integers(0, 10**9), st.lists(st.integers(0, 9999), max_size=50))
def test_totals_grow_by_what_was_counted(start: int, steps: list[int]) -> None:
    counter = Counter().see(start % 40000, 40000)
    true = start
    for step in steps:
        true += step
        counter = counter.see(true % 40000, 40000)
    assert counter.total - start % 40000 == true - start
    assert counter.resets == 0


@given(st.lists(st.integers(0, MODULUS - 1)))
def test_totals_never_fall(raws: list[int]) -> None:
    counter, totals = Counter(), [0.0]
    for raw in raws:
        counter = counter.see(raw, MODULUS)
        totals.append(counter.total)
    assert totals == sorted(totals)
