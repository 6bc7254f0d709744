"""Every fault by name, with what it does; where options are named, they are of ``arm``."""

from typing import Final

REQUEST_FAULTS: Final = {
    "ack_after_notifications": "what happened is told before the answer",
    "ack_delayed": "the answer comes late, by `delay_s`; what happened is told at once",
    "ack_never": "a request is carried out and never answered; what happened is told",
    "bare_ack": "the answer has no row, only an end; with its basket, unless `basket` is false",
    "coalesced": "from a request on, what waits to be sent goes into one websocket message",
    "drop_before_accept": "the connection breaks before a request is carried out",
    "drop_before_ack": "a request is carried out, the connection breaks before anything is said",
    "fragmented": "from a request on, websocket messages come in `parts` frames",
    "half_open": "from a request on, nothing is read and nothing is sent",
    "no_data": "a request is answered that there is nothing",
    "refused": "a request is not carried out and answered with `code` and `text`",
    "rejected": "a request is not carried out; its answer is a reject (75) with `code` and `text`",
    "silence": "a request is not carried out and not answered",
    "slow_drip": "from a request on, bytes are sent one by one, every `pause_s`",
}
"""Of any request."""

ROW_FAULTS: Final = {
    "drop_mid_rows": "the connection breaks after half of the rows",
    "handler_no_data": "there is one row, which says that there is none",
    "no_rows": "the rows are left out, and nothing is said to be wrong",
    "rows_after_end": "the rows come after the end of the answer",
    "rows_of_other_account": "the rows name another account",
    "rows_truncated": "half of the rows are left out",
    "rows_with_blank_account": "the rows name no account",
    "rows_with_minus_one": "the rows have -1 for prices that do not matter",
    "rows_without_quantity": "the rows of orders have no quantity, only what is left of it",
    "stale_rows": "a working order fills, and that is told, before the row that shows it working",
}
"""Of requests whose answers have rows."""

LOGIN_FAULTS: Final = {
    "heartbeat_error": "a heartbeat is answered with an error",
    "heartbeat_unanswered": "a heartbeat gets no answer",
    "login_denied": "a login is refused",
    "no_default_route": "no trade route is the default",
    "no_system": "the list of systems is empty",
    "route_down": "the trade routes are down",
    "two_houses": "the trade routes are of two FCMs",
}

ORDER_FAULTS: Final = {
    "atomic_operation": "a change is refused since another is going on",
    "cancel_all_partly": "a cancel of all orders leaves half of them",
    "fill_before_modify": "an order fills, `size` or all, before it is changed",
    "fill_while_cancelling": "an order fills, `size` or half, while it is being cancelled",
    "level_wrong": "a bracket cannot be moved, since its level is wrong",
    "not_cancelled": "the exchange does not cancel, for `text`",
    "not_modified": "the exchange does not change an order, for `text`",
    "overfill": "an order fills for more than it asked for, by `size` or 1",
    "rejected_as_bracket": "the management of brackets rejects an order that was taken",
    "rejected_at_exchange": "the exchange rejects an order that was taken, for `text`",
    "rejected_by_risk": "the risk management rejects an order that was taken, for `text`",
    "rejected_in_answer": "an order is refused in its answer, with `code` and `text`",
    "stop_leg_rejected": "the exchange rejects the stop of a bracket",
}

DATA_FAULTS: Final = {
    "cleared_quote": "a quote clears bid and offer instead of giving them",
    "net_disagrees": "positions are told as more than they are, by `by` or 1",
    "only_derived_fields": "market data comes without the price that it is about",
}

STREAM_FAULTS: Final = {
    "blank_account": "a notification names no account",
    "complete_before_fill": "an order is told to be complete before its last fill is",
    "duplicated": "a notification comes twice",
    "late": "a notification comes late, by `delay_s`",
    "lost": "a notification does not come",
    "open_after_fill": "an order is told to be open after it has filled",
    "other_account": "a notification of another account comes too",
    "price_minus_one": "a notification has -1 for prices that do not matter",
    "swapped": "a notification comes after the next one of its order",
    "trigger_after_fill": "an order is told to be triggered after it has filled",
    "undecodable": "bytes that are no message come too",
    "unknown_notify_type": "a notification of a kind that nobody knows comes too",
    "unknown_template": "a message of a template that nobody knows comes too",
    "zero_quantity": "a notification has no quantity",
}
"""Of notifications of orders (351 and 352)."""

FAULTS: Final = {
    **REQUEST_FAULTS,
    **ROW_FAULTS,
    **LOGIN_FAULTS,
    **ORDER_FAULTS,
    **DATA_FAULTS,
    **STREAM_FAULTS,
}
