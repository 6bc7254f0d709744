"""The distribution of slippage: every trade in exactly one bin, exact statistics."""

import statistics

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_report.slippage import BIN_LIMIT, slippage_distribution

CENTS = st.lists(st.integers(-10_000, 1_000_000), min_size=1, max_size=80)


def distribution_of(cents):
    return slippage_distribution(pa.array(cents, pa.int64()))


@given(CENTS)
def test_each_bin_counts_what_lies_in_it(cents):
    distribution = distribution_of(cents)
    assert len(distribution.counts) <= BIN_LIMIT + 1
    assert distribution.start % distribution.width == 0
    for index, trades in enumerate(distribution.counts):
        start = distribution.start + index * distribution.width
        assert trades == sum(start <= value < start + distribution.width for value in cents)
    assert sum(distribution.counts) == len(cents)


@given(CENTS)
def test_the_statistics_are_of_all_trades(cents):
    distribution = distribution_of(cents)
    assert distribution.mean == pytest.approx(statistics.fmean(cents))
    assert distribution.median == statistics.median(cents)
    assert distribution.median <= distribution.percentile_99 <= distribution.largest == max(cents)


@pytest.mark.parametrize(
    ("cents", "width"), [([0, 39], 1), ([0, 40], 2), ([0, 12_500], 500), ([1250, 1250], 1)]
)
def test_bins_have_a_round_width(cents, width):
    assert distribution_of(cents).width == width
