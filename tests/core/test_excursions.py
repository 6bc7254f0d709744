"""Excursions are points from the entry, for the trade >= 0 and against it <= 0."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.excursions import Excursion, Excursions
from fillbridge_hooks import Direction, InvalidValue, PriceWatch

LONG, SHORT = Direction.LONG, Direction.SHORT


@pytest.mark.parametrize(("direction", "expected"), [(LONG, (2.0, -1.0)), (SHORT, (1.0, -2.0))])
def test_the_extremes_count_for_and_against_the_direction(instruments, direction, expected):
    excursion = Excursion(direction)
    excursion.reach(16_008, 16_000)
    excursion.reach(16_002, 15_996)
    assert excursion.measure(instruments["ES"], 4000.0, 4000.5) == expected


def test_the_exit_is_part_of_it(instruments):
    excursion = Excursion(LONG)
    excursion.reach(16_001, 15_999)
    assert excursion.measure(instruments["ES"], 4000.0, 3990.0) == (0.25, -10.0)
    assert excursion.measure(instruments["ES"], 4000.0, 4010.0) == (10.0, -0.25)


def test_without_a_price_in_between_the_exit_is_all_there_is(instruments):
    assert Excursion(LONG).measure(instruments["ES"], 4000.0, 4001.0) == (1.0, 0.0)
    assert Excursion(SHORT).measure(instruments["ES"], 4000.0, 4001.0) == (0.0, -1.0)


@given(
    direction=st.sampled_from(Direction),
    entry=st.integers(15_900, 16_100),
    path=st.lists(st.integers(15_900, 16_100), max_size=8),
    exit_ticks=st.integers(15_900, 16_100),
)
def test_excursions_are_the_best_and_worst_of_the_path(
    instruments, direction, entry, path, exit_ticks
):
    excursion = Excursion(direction)
    for ticks in path:
        excursion.reach(ticks, ticks)
    gains = [(ticks - entry) * direction.sign * 0.25 for ticks in (*path, exit_ticks, entry)]
    measured = excursion.measure(instruments["ES"], entry * 0.25, exit_ticks * 0.25)
    assert measured == (max(gains), min(gains))


def test_a_price_reaches_the_trades_of_its_symbol_and_direction(instruments):
    excursions = Excursions()
    excursions.track("ES", "long", LONG)
    excursions.track("ES", "short", SHORT)
    excursions.track("GC", "gold", LONG)
    excursions.on_price("ES", 16_004, LONG)
    excursions.on_price("ES", 15_998, None)
    excursions.on_price("CL", 1, None)
    es = instruments["ES"]
    assert excursions.pop("ES", "long").measure(es, 4000.0, 4000.0) == (1.0, -0.5)
    assert excursions.pop("ES", "short").measure(es, 4000.0, 4000.0) == (0.5, 0.0)
    assert excursions.get("ES", "short") is None
    assert excursions.pop("GC", "gold").high is None


def test_quiet_extremes_are_taken_in_once(instruments):
    excursions, watch, es = Excursions(), PriceWatch(), instruments["ES"]
    watch.high, watch.low = 4002.0, 3999.0
    excursions.flush(watch, es)  # before the trade: none of its concern
    excursions.track("ES", "T1", LONG)
    excursions.flush(watch, es)
    assert excursions.get("ES", "T1").high is None
    watch.high, watch.low = 4001.0, 3998.0
    excursions.flush(watch, es)
    assert excursions.get("ES", "T1").measure(es, 4000.0, 4000.0) == (1.0, -2.0)


def test_a_quiet_extreme_off_the_grid_is_said_once(instruments):
    excursions, watch, es = Excursions(), PriceWatch(), instruments["ES"]
    watch.high, watch.low = 4000.1, 4000.0
    with pytest.raises(InvalidValue, match=r"high: expected a multiple of the tick size 0\.25"):
        excursions.flush(watch, es)
    excursions.flush(watch, es)
    assert (watch.high, watch.low) == (-math.inf, math.inf)
