"""The times of live trading are those of the failure model."""

from fillbridge.live import LiveRules

MILLISECOND = 1_000_000


def test_the_times_are_those_that_were_agreed():
    rules = LiveRules()
    told = {
        name: getattr(rules, name) // (MILLISECOND if name.endswith("_ns") else 1)
        for name in rules.__struct_fields__
    }
    assert told == {
        "acknowledgement_ns": 2_000,
        "protection_ns": 1_500,
        "unproved_protection_ns": 3_000,
        "blind_ns": 10_000,
        "second_answer_ns": 500,
        "most_mending_ns": 30_000,
        "leg_grace_ns": 500,
        "stale_send_ns": 250,
        "reconcile_ns": 5_000,
        "doubtful_reconcile_ns": 1_000,
        "recovering_reconcile_ns": 200,
        "recovering_rounds": 25,
        "unanswered_ns": 10_000,
        "mismatch_ns": 5_000,
        "today_ns": 60_000,
        "trail_ns": 1_000,
        "hold_ns": 60_000,
        "flatten_ns": 5_000,
        "flatten_tries": 3,
        "look_ns": 100,
        "entry_quarantine_ns": 30_000,
        "reducing_quarantine_ns": 3_000,
        "lasting_session_ns": 60_000,
        "short_sessions": 5,
        "short_sessions_ns": 600_000,
    }
