"""The table of the controls: what each is, its rule, and where it is enforced."""

from collections.abc import Sequence

import msgspec

from fillbridge_risk.sizes import HARD_ORDER_QUANTITY, HARD_ORDER_VALUE


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One control of the table."""

    number: str
    does: str
    """What it demands, as a person reads it."""
    settings: tuple[str, ...] = ()
    """Of ``RiskSettings``; none where it is no matter of configuration here."""
    action: str
    source: str
    """The rule it comes from."""
    where: str
    """Where it is enforced."""
    lacks: str = ""
    """Data that nobody provides yet: what depends on it is idle until somebody does."""


_ORDER = "each entry, when it is proposed and again before it is sent"
_WATCH = "a watch of the live handler"
_CORE = "the live handler, always"

CONTROLS: Sequence[Control] = (
    Control(
        number="C1",
        does="only listed contracts, by exact symbol, of listed exchanges",
        settings=("symbols", "exchanges"),
        action="refuse",
        source="15c3-5(c)(2); FIA",
        where=_ORDER,
    ),
    Control(
        number="C2",
        does="only listed accounts; a system for real money in `prod` alone, and none other there",
        settings=("accounts",),
        action="refuse to start",
        source="15c3-5",
        where="the configuration; the system: the driver `rithmic`, before it logs in",
    ),
    Control(
        number="C3",
        does="only listed strategies, each in its own symbols",
        settings=("strategy_symbols",),
        action="refuse",
        source="RTS 6 12(3), 15(5)",
        where=_ORDER,
    ),
    Control(
        number="C4",
        does="signed proposals: a known key, genuine, fresh",
        action="refuse",
        source="CWE-345, 347, 294; NFA 2-9",
        where="the live handler, where `live_settings.proposal_keys` are set",
    ),
    Control(
        number="C5",
        does="one nonce and one `proposal_id`, once",
        action="refuse; a known `proposal_id` is answered as before",
        source="15c3-5 duplicates",
        where=_CORE,
    ),
    Control(
        number="C6",
        does="no look-alike: strategy, symbol and side, unless `scale_in`",
        settings=("look_alike_seconds",),
        action="refuse",
        source="15c3-5; RTS 7 18",
        where=_ORDER,
    ),
    Control(
        number="C7",
        does=f"contracts of an order; never more than {HARD_ORDER_QUANTITY}",
        settings=("max_order_quantity",),
        action="refuse",
        source="RTS 6 15(1)(c); FIA; CME maximum order size",
        where=_ORDER,
    ),
    Control(
        number="C8",
        does=f"value of an order; never more than {HARD_ORDER_VALUE:,.0f}",
        settings=("max_order_value",),
        action="refuse",
        source="RTS 6 15(1)(b)",
        where=_ORDER,
    ),
    Control(
        number="C9",
        does="position of a symbol, and of all, in the worst case",
        settings=("max_position_size", "max_gross_position"),
        action="refuse",
        source="FIA intraday position; 15c3-5",
        where=_ORDER,
    ),
    Control(
        number="C10",
        does="open trades of a strategy in a symbol, and of all",
        settings=("max_brackets_per_strategy", "max_open_positions"),
        action="refuse",
        source="judgement",
        where=_ORDER,
    ),
    Control(
        number="C11",
        does="price collar of an order, in ticks from the market",
        settings=("max_entry_drift_ticks", "max_price_distance_ticks"),
        action="refuse",
        source="RTS 6 15(1)(a); CME banding",
        where=_ORDER,
        lacks="the band of the day, from the exchange",
    ),
    Control(
        number="C12",
        does="price collar over time: ticks within 10 s",
        settings=("max_move_ticks",),
        action="pause entries for `move_pause_s`",
        source="RTS 6 15(1)(a), over a specified period",
        where=_WATCH,
    ),
    Control(
        number="C13",
        does="both sides quoted, bid below ask, so many ticks apart",
        settings=("max_spread_ticks",),
        action="refuse",
        source="fat finger",
        where=_ORDER,
    ),
    Control(
        number="C14",
        does="age of the quote, s: by day, and while New York's stock exchanges are shut",
        settings=("max_quote_age_s", "max_quote_age_overnight_s"),
        action="refuse",
        source="judgement; FIA data checks",
        where=f"{_ORDER}; a lost connection: the live handler",
    ),
    Control(
        number="C15",
        does="stop and target, on the right side, on the grid, so many ticks away",
        settings=("min_stop_ticks", "max_stop_ticks", "min_target_ticks", "max_target_ticks"),
        action="refuse",
        source="judgement",
        where=f"{_ORDER}; that there are both: every handler, always",
    ),
    Control(
        number="C16",
        does="money lost at the stop",
        settings=("max_trade_risk",),
        action="refuse",
        source="15c3-5 capital",
        where=_ORDER,
    ),
    Control(
        number="C17",
        does="loss of the trade date, realised and open",
        settings=("daily_loss_alarm", "daily_loss_reduce_only", "daily_loss_flatten"),
        action="alarm; refuse and reduce only; close everything",
        source="15c3-5; RTS 6 15(4)",
        where=f"{_WATCH}; the second also {_ORDER}",
    ),
    Control(
        number="C18",
        does="margin needed, times a factor, against what the broker has available",
        settings=("margin_factor",),
        action="refuse",
        source="15c3-5",
        where=f"{_ORDER}, where the driver tells it: `rithmic` does",
    ),
    Control(
        number="C19",
        does="messages a second, beyond a burst of `message_burst`, and a minute",
        settings=("messages_per_second", "messages_per_minute"),
        action="refuse entries; cancels, changes and exits never",
        source="RTS 6 15(1)(d); CME messaging controls",
        where=_ORDER,
    ),
    Control(
        number="C20",
        does="rejects of the broker within a minute, and with one reason",
        settings=("max_rejects_per_minute", "max_same_rejects"),
        action="reduce only, until a person resumes",
        source="Knight; FIA",
        where=_WATCH,
    ),
    Control(
        number="C21",
        does="entries a day, of a strategy in 10 minutes and a day; stop-outs in a row",
        settings=(
            "max_daily_trades",
            "strategy_entries_10m",
            "strategy_entries_per_day",
            "max_stop_outs",
        ),
        action="refuse; the strategy is suspended until a person resumes",
        source="RTS 6 15(3)",
        where=f"{_ORDER}; of a strategy also {_WATCH}",
    ),
    Control(
        number="C22",
        does="messages for each fill, in 10 minutes",
        settings=("max_messages_per_fill",),
        action="alarm",
        source="order-to-trade ratios of venues",
        where=_WATCH,
    ),
    Control(
        number="C23",
        does="no entry that could trade with an order of ours",
        settings=("self_trade",),
        action="refuse",
        source="CME 534",
        where=_ORDER,
        lacks="a self-match prevention id that the broker passes on",
    ),
    Control(
        number="C24",
        does="hours and holidays of the exchange, without "
        "`quiet_after_open_s` and `quiet_before_close_s`",
        settings=("trading_hours",),
        action="refuse; without the calendar everything",
        source="CME calendar",
        where=_ORDER,
    ),
    Control(
        number="C25",
        does="not in a halt, not at a price limit",
        settings=("exchange_status",),
        action="refuse",
        source="CME states",
        where=_ORDER,
        lacks="status and price limits of the exchange (`MarketView.status`, `limit_low`,"
        " `limit_high`)",
    ),
    Control(
        number="C26",
        does="days before the last trade date",
        settings=("min_days_to_expiry",),
        action="refuse",
        source="judgement",
        where=_ORDER,
    ),
    Control(
        number="C27",
        does="our position is the broker's, or has not been for less than 5 s",
        action="no entry in the symbol",
        source="RTS 6 17, drop-copy reconciliation",
        where=_CORE,
    ),
    Control(
        number="C28",
        does="no order of the symbol whose outcome is unknown",
        action="no entry in the symbol",
        source="judgement",
        where=_CORE,
    ),
    Control(
        number="C29",
        does="the wall clock within 500 ms of the handler's, and no step of over 250 ms",
        action="no entry",
        source="RTS 25 in spirit",
        where=_CORE,
    ),
    Control(
        number="C30",
        does="what was decided is on the disk, which has room (MiB, and %) and is quick (ms)",
        settings=("min_free_disk_mb", "min_free_disk_percent", "max_journal_sync_ms"),
        action="no entry while it lasts; what reduces still leaves",
        source="judgement",
        where="the live handler; once the journal fails, always",
    ),
    Control(
        number="C31",
        does="the handler's tasks run in time (`live_settings.max_loop_lag_ms`), in so many MiB",
        settings=("max_memory_mb",),
        action="no entry while it lasts",
        source="judgement",
        where="the live handler; the tasks always",
    ),
    Control(
        number="C32",
        does="an entry leaves within 250 ms of its check, under the same gate",
        action="it does not leave",
        source="Knight",
        where=_CORE,
    ),
    Control(
        number="C33",
        does="what left is what was decided: one permit for each order; a tally each second",
        action="it does not leave; entries halt until a person resumes",
        source="Knight",
        where=_CORE,
    ),
    Control(
        number="C34",
        does="nothing unusual: new symbol, 3 sigma in size, new hour, burst after silence, flip",
        settings=("anomaly_hold",),
        action="hold for a person",
        source="15c3-5; surveillance in spirit",
        where=_ORDER,
        lacks="when a key was used first",
    ),
    Control(
        number="C35",
        does="every order is marked as automated",
        action="set",
        source="CME 536.B",
        where="the driver `rithmic`, always",
    ),
    Control(
        number="C36",
        does="half of `max_order_quantity` for so many s after a start or a connection",
        settings=("cooling_off_s",),
        action="refuse",
        source="judgement",
        where=_ORDER,
        lacks="when a key was changed",
    ),
)
"""Every control, by number."""
