"""Slow executions are told of once a minute."""

from fillbridge.handlers.slowness import SlowExecutions
from fillbridge.metrics import ExecutionMetrics
from fillbridge_hooks import VirtualClock

SECOND = 1_000_000_000


def test_of_slow_executions_one_is_told_of_each_minute_with_how_many_there_were():
    clock = VirtualClock(1_000)
    metrics = ExecutionMetrics()
    slow = SlowExecutions(metrics, clock, 5.0)
    assert slow.count(5.0) == ""
    assert slow.count(7.0) == "an execution took 7.0 ms, expected at most 5.0 ms"
    for ms in (8.0, 90.0, 6.0):
        assert slow.count(ms) == ""
    clock.advance_to(60 * SECOND + 1_000)
    assert slow.count(9.0) == (
        "an execution took 9.0 ms, expected at most 5.0 ms;"
        " 3 more since the last warning, up to 90.0 ms"
    )
    clock.advance_to(200 * SECOND)
    assert slow.count(9.0) == "an execution took 9.0 ms, expected at most 5.0 ms"
    assert metrics.slow_executions == 6
    assert metrics.latency_ms()["max"] == 90.0
