"""When entries may be made: sessions, holidays, and how near the end of a contract."""

import builtins
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.risk.ground import SECOND, case, context, order

from fillbridge_hooks import Instrument
from fillbridge_risk import calendars, expiry, hours
from fillbridge_risk.calendars import Sessions

CHICAGO = ZoneInfo("America/Chicago")


def at(text, zone=CHICAGO):
    local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
    return int(local.astimezone(UTC).timestamp()) * SECOND


@pytest.fixture(scope="module")
def check():
    return hours.trading_hours("CMES", 60, 600)


# By the calendar


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("2026-03-01 17:00:00", "2026-03-02 16:00:00"),  # Sunday to Monday
        ("2026-03-05 17:00:00", "2026-03-06 16:00:00"),  # to Friday
        ("2026-03-08 17:00:00", "2026-03-09 16:00:00"),  # the night the clocks changed
        ("2026-11-25 17:00:00", "2026-11-26 12:00:00"),  # Thanksgiving
        ("2026-11-26 17:00:00", "2026-11-27 12:00:00"),  # the day after
        ("2026-12-23 17:00:00", "2026-12-24 12:00:00"),  # Christmas Eve
        ("2026-06-18 17:00:00", "2026-06-19 12:00:00"),  # 19 June
        ("2026-07-02 17:00:00", "2026-07-03 12:00:00"),  # Independence Day, observed
    ],
)
def test_entries_are_made_from_a_minute_after_the_open_to_ten_before_the_close(
    check, opens, closes
):
    def is_open(now):
        return check(*case(context=context(now_ns=now))) is None

    first = at(opens) + 60 * SECOND
    end = at(closes) - 600 * SECOND
    assert not is_open(first - 1)
    assert is_open(first)
    assert is_open(end - 1)
    assert not is_open(end)


@pytest.mark.parametrize(
    "closed",
    [
        "2026-03-02 16:30:00",  # between two sessions
        "2026-03-06 17:30:00",  # Friday evening
        "2026-03-07 12:00:00",  # Saturday
        "2026-03-08 16:59:00",  # Sunday afternoon
        "2026-04-03 09:00:00",  # Good Friday
        "2026-12-25 09:00:00",  # Christmas
        "2026-12-24 13:00:00",
        "2027-01-01 09:00:00",  # New Year
        "2014-06-04 09:00:00",  # before the calendar
        "2046-06-06 09:00:00",  # and after it
    ],
)
def test_nothing_is_entered_while_the_exchange_is_closed(check, closed):
    now = at(closed)
    refusal = check(*case(context=context(now_ns=now)))
    assert refusal.check == "C24 trading_hours"
    assert refusal.limit == "from 60 s after the open to 600 s before the close"
    assert refusal.value == f"{datetime.fromtimestamp(now / SECOND, UTC):%a %Y-%m-%d %H:%M:%S} UTC"


def test_the_sessions_follow_one_another():
    known = calendars.sessions("CMES")
    assert len(known.opens) > 7_000
    for opens, closes, following in zip(known.opens, known.closes, known.opens[1:], strict=False):
        assert opens < closes < following


@given(
    now=st.integers(0, 1_000),
    edges=st.lists(st.integers(0, 1_000), min_size=2, max_size=20, unique=True).map(sorted),
    after=st.integers(0, 40),
    before=st.integers(0, 40),
)
def test_only_the_inside_of_a_session_is_open(now, edges, after, before):
    opens, closes = edges[::2], edges[1::2]
    opens = opens[: len(closes)]
    known = Sessions(tuple(o * SECOND for o in opens), tuple(c * SECOND for c in closes))
    answer = hours.within(known, after, before)(*case(context=context(now_ns=now * SECOND)))
    is_open = any(o + after <= now < c - before for o, c in zip(opens, closes, strict=True))
    # What is not so long after one open is not long after the one before either.
    last = max((o for o in opens if o + after <= now), default=None)
    expected = last is not None and now < closes[opens.index(last)] - before
    assert (answer is None) is expected
    assert is_open or answer is not None


def test_without_the_package_every_entry_is_refused(monkeypatch, caplog):
    original = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "exchange_calendars":
            raise ModuleNotFoundError(name)
        return original(name, *args, **kwargs)

    calendars.sessions.cache_clear()
    monkeypatch.setattr(builtins, "__import__", missing)
    closed = hours.trading_hours("CMES", 60, 600)
    assert str(closed(*case())) == (
        "C24 trading_hours: expected a calendar of the exchange (fillbridge-risk[calendar]), "
        "was none installed"
    )
    assert "install fillbridge-risk[calendar]" in caplog.text


# The end of a contract


@pytest.mark.parametrize(
    ("symbol", "year", "last"),
    [
        ("ESZ5", 2025, date(2025, 12, 19)),
        ("ESZ6", 2026, date(2026, 12, 18)),
        ("ESH7", 2026, date(2027, 3, 19)),
        ("MESM26", 2026, date(2026, 6, 19)),
        ("NQU2026", 2026, date(2026, 9, 18)),
        ("YMZ5", 2026, date(2025, 12, 19)),  # last year's
        ("ESZ4", 2026, date(2024, 12, 20)),
        ("ESZ3", 2026, date(2033, 12, 16)),  # too long ago to be 2023
        ("ESZ2003", 2026, date(2003, 12, 19)),
        ("RTYH7", 2026, date(2027, 3, 19)),
        ("ES", 2026, None),
        ("ESA6", 2026, None),
        ("CLZ6", 2026, None),
        ("GCZ6", 2026, None),
        ("NKDZ6", 2026, None),
        ("ESZ0000", 2026, None),
    ],
)
def test_the_symbol_of_an_equity_index_future_says_its_last_trade_date(symbol, year, last):
    assert expiry.last_trade_date(symbol, year) == last


@given(days=st.integers(0, 90), excess=st.integers(-3, 3))
def test_nothing_is_entered_from_so_many_days_before_the_last_trade_date(days, excess):
    # The trade date of a day begins at 17:00 of the day before.
    day = date(2025, 12, 19) - timedelta(days=days + 1)
    begins = at(f"{day} 17:00:00")
    answer = expiry.min_days_to_expiry(days)(*case(context=context(now_ns=begins + excess)))
    assert (answer is None) is (excess < 0)


def test_an_instrument_may_say_its_last_trade_date_itself():
    crude = Instrument(
        symbol="CLF6", tick_size=0.01, point_value=1000, last_trade_date="2025-12-19"
    )
    check = expiry.min_days_to_expiry(8)
    inside = context(now_ns=at("2025-12-10 16:59:59"))
    outside = context(now_ns=at("2025-12-10 17:00:00"))
    assert check(*case(order=order(instrument=crude), context=inside)) is None
    assert str(check(*case(order=order(instrument=crude), context=outside))) == (
        "C26 min_days_to_expiry: expected > 8 days to the last trade date, was last on 2025-12-19"
    )


def test_a_contract_whose_end_is_unknown_is_not_entered():
    endless = Instrument(symbol="ES", tick_size=0.25, point_value=50)
    refusal = expiry.min_days_to_expiry(8)(*case(order=order(instrument=endless)))
    assert str(refusal) == (
        "C26 min_days_to_expiry: expected > 8 days to the last trade date, "
        "which ES or last_trade_date says, was unknown"
    )
