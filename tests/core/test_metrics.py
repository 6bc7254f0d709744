"""What a handler counts, and the percentiles of its execution times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.metrics import ExecutionMetrics


def measured(*latencies):
    metrics = ExecutionMetrics()
    for ms in latencies:
        metrics.update_execution_time(ms)
    return metrics.latency_ms()


def test_without_an_execution_there_is_no_percentile():
    assert measured() == {"p50": None, "p95": None, "p99": None, "max": None}


def test_one_execution_is_every_percentile():
    assert measured(3.0) == {"p50": 3.0, "p95": 3.0, "p99": 3.0, "max": 3.0}


def test_the_maximum_is_exact_and_percentiles_are_bounds_of_their_bucket():
    latency = measured(*[0.9] * 95, *[3.0] * 4, 700.0)
    assert latency["max"] == 700.0
    assert latency["p50"] == 1.024
    assert latency["p95"] == 1.024
    assert latency["p99"] == 4.096


def test_an_execution_longer_than_every_bucket_is_kept():
    assert measured(1e9) == {"p50": 1e9, "p95": 1e9, "p99": 1e9, "max": 1e9}


@given(st.lists(st.floats(0.001, 60_000), min_size=1, max_size=50), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_at_most_twice_the_true_one_and_never_below_it(latencies, percent):
    latencies.sort()
    true = latencies[-(-len(latencies) * percent // 100) - 1]
    reported = measured(*latencies)[f"p{percent}"]
    assert true <= reported <= max(true, min(2 * true, latencies[-1]))


@pytest.mark.parametrize(
    ("requested", "filled", "ratio"), [(0, 0, None), (4, 0, 0.0), (4, 3, 0.75)]
)
def test_the_fill_ratio_is_of_what_was_asked_for(requested, filled, ratio):
    metrics = ExecutionMetrics()
    metrics.contracts_requested, metrics.contracts_filled = requested, filled
    assert metrics.fill_ratio == ratio
