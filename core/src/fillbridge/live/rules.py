"""How long a live account waits for what, and how often it asks."""

import msgspec

_SECOND = 1_000_000_000
_MILLISECOND = 1_000_000


class LiveRules(msgspec.Struct, frozen=True, kw_only=True):
    """Times in ns, where the name says so."""

    acknowledgement_ns: int = 2 * _SECOND
    """An order without an answer is UNKNOWN after this."""
    protection_ns: int = 1_500 * _MILLISECOND
    """A position without evidence of its stop is closed after this, if no stop is on its way."""
    unproved_protection_ns: int = 3 * _SECOND
    """It is closed after this even if one is."""
    blind_ns: int = 10 * _SECOND
    """Nothing is mended before the broker has answered in this session, but after this it is."""
    second_answer_ns: int = 500 * _MILLISECOND
    """What an earlier run left bare waits for a second answer no longer than this."""
    most_mending_ns: int = 30 * _SECOND
    """The longest wait before a trade is mended again that did not come right; it doubles."""
    leg_grace_ns: int = 500 * _MILLISECOND
    """What the broker should do by itself with the legs it keeps, it has done after this."""
    stale_send_ns: int = 250 * _MILLISECOND
    """An entry that did not leave this long after it was judged does not leave any more."""
    reconcile_ns: int = 5 * _SECOND
    today_ns: int = 60 * _SECOND
    """The orders of the whole trade date are asked for this often even if nothing is open."""
    doubtful_reconcile_ns: int = _SECOND
    """Between two rounds of questions while something is in doubt."""
    recovering_reconcile_ns: int = 200 * _MILLISECOND
    """Between the first rounds while no entry leaves before they agree."""
    recovering_rounds: int = 25
    """How many of them; afterwards it is asked as often as in doubt."""
    unanswered_ns: int = 10 * _SECOND
    """Without a clean answer for this long no entry leaves, while there is a session."""
    mismatch_ns: int = 5 * _SECOND
    """A position that differs from the broker's for this long blocks entries."""
    trail_ns: int = _SECOND
    """Between two moves of a trailing stop."""
    hold_ns: int = 60 * _SECOND
    """A proposal that is held is refused after this if nobody has approved it."""
    flatten_ns: int = 5 * _SECOND
    """What the kill switch closes is tried again after this, while it is not flat."""
    flatten_tries: int = 3
    """After so many tries a person is called; then once a minute."""
    look_ns: int = 100 * _MILLISECOND
    """Between two looks at deadlines."""
    entry_quarantine_ns: int = 30 * _SECOND
    reducing_quarantine_ns: int = 3 * _SECOND
    lasting_session_ns: int = 60 * _SECOND
    """A session that traded for this long was a good one: it is replaced at once."""
    short_sessions: int = 5
    """More sessions than this that came to trade and did not last are a matter for a person."""
    short_sessions_ns: int = 600 * _SECOND
    """Within this time."""
