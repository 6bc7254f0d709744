"""The profiles as one table: a row for each knob, a column for each profile."""

from typing import Any

import msgspec

from fillbridge_chaos.faults import Faults


def _latency(fixed: float, median: float, sigma: float, spike: float, spike_ms: float) -> Any:
    return {
        "fixed_ms": fixed,
        "median_ms": median,
        "sigma": sigma,
        "spike": spike,
        "spike_ms": spike_ms,
    }


_COLUMNS = ("calm", "bad_wifi", "fomc", "hell")

_CALM = _latency(1, 2, 0.3, 0, 0)
_WIFI = _latency(5, 40, 0.8, 0.05, 800)
_FOMC = _latency(2, 15, 1.0, 0.10, 400)
_HELL = _latency(5, 50, 1.0, 0.10, 1500)

# Order of the columns:         calm    bad_wifi  fomc    hell
_TABLE: dict[str, tuple[Any, Any, Any, Any]] = {
    "request_latency":         (_CALM,  _WIFI,   _FOMC,  _HELL),
    "report_latency":          (_CALM,  _WIFI,   _FOMC,  _HELL),
    "lost_request":            (0,      0.005,   0,      0.01),
    "lost_report":             (0,      0.01,    0,      0.02),
    "duplicate":               (0,      0.03,    0.02,   0.10),
    "reorder":                 (0,      0.05,    0.05,   0.15),
    "reorder_window_ms":       (0,      200,     100,    400),
    "limbo":                   (0,      0.005,   0.03,   0.03),
    "limbo_ms":                (3000,   3000,    2000,   5000),
    "reject":                  (0,      0,       0.02,   0.02),
    "partial":                 (0,      0,       0.60,   0.50),
    "partial_parts":           (3,      3,       5,      5),
    "fill_before_ack":         (0,      0.02,    0.30,   0.20),
    "cancel_cross":            (0,      0.05,    0.50,   0.30),
    "cross_ms":                (150,    150,     250,    250),
    "hold_ms":                 (500,    500,     500,    800),
    "bust":                    (0,      0,       0.002,  0.005),
    "disconnect_before_send":  (0,      0.005,   0,      0.01),
    "disconnect_after_send":   (0,      0.005,   0,      0.01),
    "half_open":               (0,      0.003,   0,      0.005),
    "half_open_s":             (60,     60,      60,     30),
    "forced_logout":           (0,      0,       0,      0.0005),
    "connect_refused":         (0,      0.30,    0,      0.30),
    "refused_s":               (3,      3,       3,      5),
    "empty_answer":            (0,      0.01,    0,      0.05),
    "stale_answer":            (0,      0.02,    0.10,   0.10),
}  # fmt: skip

PROFILES: dict[str, Faults] = {
    name: msgspec.convert({knob: row[place] for knob, row in _TABLE.items()}, Faults)
    for place, name in enumerate(_COLUMNS)
}
"""``calm`` (a good line), ``bad_wifi`` (a bad one), ``fomc`` (a good line in a fast market) and
``hell`` (everything)."""
