"""What is demanded of a risk check."""

from collections.abc import Callable, Iterator
from itertools import product

import msgspec

from fillbridge_hooks.market import MarketView
from fillbridge_hooks.orders import Order
from fillbridge_hooks.proposal import RiskProposal
from fillbridge_hooks.registration import RiskCheck
from fillbridge_hooks.risk import (
    AccountMargin,
    EntryDay,
    Exposure,
    Hold,
    RecentEntry,
    Refuse,
    RiskContext,
)
from fillbridge_hooks.terms import OrderRole, OrderType, Side
from fillbridge_hooks.testing.defaults import ES
from fillbridge_hooks.testing.model_calls import expect_pure, expect_untouched, taking
from fillbridge_hooks.testing.requirements import Requirements, Unmet, demand

_HUGE = 1_000_000_000
_FAR_AWAY_NS = 1 << 62
_DAY_NS = 86_400_000_000_000


class RiskCase(msgspec.Struct, frozen=True, kw_only=True):
    """An order, and all that it is judged by."""

    order: Order
    exposure: Exposure
    market: MarketView
    context: RiskContext


class JudgedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check under examination."""

    check: RiskCheck
    refused: RiskCase | None
    """What it must object to; ``None``: something of the extremes that the kit tries."""


_TABLE: Requirements[Callable[[JudgedCheck], None]] = Requirements("RC")


@_TABLE.add(10, "answer")
def a_check_answers_none_refuse_or_hold(judged: JudgedCheck) -> None:
    """A check answers ``None``, a ``Refuse`` or a ``Hold``, and nothing else.

    If this fails, answer ``None`` where there is no objection: ``True`` and ``False`` are none.
    """
    check = _check(judged)
    for case in extreme_cases():
        answer = check(*case)
        demand(
            answer is None or isinstance(answer, Refuse | Hold),
            f"check: expected None, Refuse or Hold, was {answer!r}",
        )


@_TABLE.add(20, "answer")
def a_check_raises_nothing(judged: JudgedCheck) -> None:
    """A check judges every order, however large it is and however little is known.

    If this fails, test for ``None`` before you count, and refuse what cannot be judged. A check
    that raises stops every entry.
    """
    check = _check(judged)
    for case in extreme_cases():
        try:
            check(*case)
        except Exception as error:
            raise Unmet(f"check: expected an answer, was {error!r}, for {case}") from error


@_TABLE.add(30, "answer")
def an_objection_names_limit_and_value(judged: JudgedCheck) -> None:
    """A ``Refuse`` names check, limit and value, a ``Hold`` check and reason; each as text.

    If this fails, fill in every field: the sentence is all that a trader sees.
    """
    check = _check(judged)
    for case in extreme_cases():
        answer = check(*case)
        if isinstance(answer, Refuse | Hold):
            fields = msgspec.structs.asdict(answer)
            for name, value in fields.items():
                demand(
                    isinstance(value, str) and value,
                    f"{type(answer).__name__}.{name}: expected text, was {value!r}",
                )


@_TABLE.add(40, "answer")
def a_check_objects_to_something(judged: JudgedCheck) -> None:
    """There is an order that the check objects to.

    If this fails, the check does nothing; or it objects to what the kit does not try: give the
    suite an example, ``refused``.
    """
    check = _check(judged)
    if judged.refused is not None:
        case = judged.refused
        answer = check(case.order, case.exposure, case.market, case.context)
        demand(answer is not None, "check: expected an objection to the example, was None")
        return
    demand(
        any(check(*case) is not None for case in extreme_cases()),
        "check: expected an objection to any of the extremes, was None to all",
    )


@_TABLE.add(50, "purity")
def a_check_judges_the_same_when_asked_again(judged: JudgedCheck) -> None:
    """The same order in the same situation is judged the same, whatever was asked in between.

    If this fails, count nothing: the counters of the trade date are in ``context``. An order is
    judged when it is proposed, and again right before it is sent.
    """
    expect_pure("check", _check(judged), extreme_cases())


@_TABLE.add(60, "purity")
def a_check_leaves_its_arguments_alone(judged: JudgedCheck) -> None:
    """Order, exposure, market and context are not changed.

    If this fails, work on a copy: ``msgspec.structs.replace``.
    """
    expect_untouched("check", _check(judged), extreme_cases())


RISK_REQUIREMENTS = tuple(_TABLE)
"""Everything that is demanded of a risk check, in the order of the ids."""


def _check(judged: JudgedCheck) -> RiskCheck:
    return taking(judged.check, "order", "exposure", "market", "context")


def extreme_cases() -> Iterator[tuple[Order, Exposure, MarketView, RiskContext]]:
    """What every check is asked: nothing at stake and very much, nothing known and all.

    Each time it is made anew, so that a check that changes it harms no other test.
    """
    yield from product(_orders(), _exposures(), _markets(), _contexts())


def _orders() -> list[Order]:
    terms = ((OrderType.MARKET, None), (OrderType.LIMIT, 20_000), (OrderType.LIMIT, -_HUGE))
    return [
        Order("T1_ENTRY", "T1", role, ES, side, quantity, order_type, limit_ticks=limit)
        for quantity, side, role, (order_type, limit) in product(
            (1, _HUGE), Side, (OrderRole.ENTRY, OrderRole.EXIT), terms
        )
    ]


def _exposures() -> list[Exposure]:
    much = 2 * _HUGE
    return [
        Exposure(ES.symbol, 0, 0, 0, 0, 0, 0, 0, 0),
        Exposure(ES.symbol, _HUGE, _HUGE, 0, much, 0, _HUGE, much, _HUGE, _HUGE, _HUGE, -_HUGE),
        Exposure(ES.symbol, -_HUGE, 0, _HUGE, 0, much, _HUGE, much, _HUGE, _HUGE, _HUGE, -_HUGE),
    ]


def _markets() -> list[MarketView]:
    return [
        MarketView(ES.symbol, None, None, None, None, None, None),
        MarketView(ES.symbol, None, 5000.0, 5000.25, 5000.25, 10.0, 1),
        MarketView(
            *(ES.symbol, None, -37.75, -37.5, -37.5, 0.0, _FAR_AWAY_NS),
            quote_ns=_FAR_AWAY_NS,
            connected_ns=_FAR_AWAY_NS,
            status="halted",
            limit_low=-37.75,
            limit_high=-37.5,
        ),
    ]


def _contexts() -> list[RiskContext]:
    proposal = RiskProposal(position_size=1, direction="LONG")
    last = tuple(_orders()[:10])
    entries = tuple(
        RecentEntry(None, ES.symbol, side, _HUGE, _FAR_AWAY_NS - 1, None) for side in Side
    )
    days = (EntryDay(_FAR_AWAY_NS // _DAY_NS, _HUGE, _HUGE, _HUGE, 0, _FAR_AWAY_NS),)
    return [
        RiskContext(0, proposal, 0, 0, 0, 0.0, None, 0, ()),
        RiskContext(
            *(_FAR_AWAY_NS, proposal, _HUGE, _HUGE, _HUGE, -1e15, -1e15, _HUGE, last),
            recent_entries=entries * 32,
            entry_days=days,
            recent_messages=[_FAR_AWAY_NS] * 100,  # no tuple, as live
            strategy_trades_today=_HUGE,
            margin=AccountMargin(-1e15, 1e15, 0, 0, 0.0),
        ),
        RiskContext(1, proposal, 1, 1, 0, 1e15, 1e15, 1, last[:1]),
    ]
