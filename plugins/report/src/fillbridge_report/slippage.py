"""How the slippage of trades is distributed."""

from typing import Any

import msgspec
import pyarrow.compute as pc

BIN_LIMIT = 40
"""Bins of the distribution, give or take the one that starts below the smallest value."""


class SlippageDistribution(msgspec.Struct, frozen=True, kw_only=True):
    """How many trades paid how much slippage; cents.

    ``counts[i]`` trades paid at least ``start + i * width`` and less than the start of the next.
    """

    start: int
    width: int
    counts: list[int]
    mean: float
    median: float
    percentile_99: float
    largest: int


def slippage_distribution(cents: Any) -> SlippageDistribution:
    """Count at least one trade into bins whose width is 1, 2 or 5 times a power of ten.

    :param cents: int64 Arrow array, slippage per trade
    """
    low, high = pc.min(cents).as_py(), pc.max(cents).as_py()
    width = _bin_width(high - low)
    start = low // width * width
    counts = [0] * ((high - start) // width + 1)
    for row in pc.value_counts(pc.divide(pc.subtract(cents, start), width)).to_pylist():
        counts[row["values"]] = row["counts"]
    median, percentile_99 = pc.quantile(cents, q=[0.5, 0.99]).to_pylist()
    return SlippageDistribution(
        start=start,
        width=width,
        counts=counts,
        mean=pc.mean(cents).as_py(),
        median=median,
        percentile_99=percentile_99,
        largest=high,
    )


def _bin_width(span: int) -> int:
    power = 1
    while True:
        for width in (power, 2 * power, 5 * power):
            if width * BIN_LIMIT > span:
                return width
        power *= 10
