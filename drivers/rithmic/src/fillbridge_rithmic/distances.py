"""What distances Rithmic has for the legs of entries that rest as a session begins: 338, 340."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import anyio

from fillbridge_hooks import DriverError, OrderRole
from fillbridge_rithmic.orders.legs import has_legs, roles_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fillbridge_rithmic.link.plant import Plant
    from fillbridge_rithmic.orders.desk import Desk
    from fillbridge_rithmic.orders.lattice import Basket
    from fillbridge_rithmic.orders.lines import Line

_logger = logging.getLogger(__name__)

SHOW_TARGETS: Final = 338
SHOW_STOPS: Final = 340
_LISTS: Final = {
    OrderRole.STOP: (SHOW_STOPS, "stop_ticks"),
    OrderRole.TARGET: (SHOW_TARGETS, "target_ticks"),
}
_WAIT_S: Final = 1.0
"""A session does not begin later than this for it: legs are moved without it, too."""

_MOST_DIGITS: Final = 9
"""More do not fit into the field that names a level."""


async def learn_distances(plant: Plant, account: Mapping[str, Any], desk: Desk) -> None:
    """Tell the desk, where an entry with legs rests; what goes wrong is logged, never raised."""
    if not any(_resting(desk)):
        return
    found: dict[OrderRole, dict[str, int]] = {}

    async def ask(role: OrderRole) -> None:
        template, field = _LISTS[role]
        try:
            answer = await plant.ask(template, timeout_s=_WAIT_S, **account)
        except DriverError as error:
            _logger.warning("how far from its entry a %s will be: %s", role.value, error)
            return
        found[role] = {row.basket_id: _ticks(getattr(row, field)) for row in answer.rows}

    async with anyio.create_task_group() as tasks:
        for role in _LISTS:
            tasks.start_soon(ask, role)
    for line, basket in _resting(desk):
        lacks = []
        for role in roles_in(basket.window_name):
            ticks = found.get(role, {}).get(basket.basket_id)
            if ticks is not None:
                desk.changes.levels.learn(basket, role, ticks)
            elif role in found and not basket.filled:
                lacks.append(role.value)
        if lacks:
            _logger.warning(
                "%s: rests and was sent with legs, but Rithmic lists no %s for it",
                line.client_order_id,
                " and no ".join(lacks),
            )


def _resting(desk: Desk) -> Iterator[tuple[Line, Basket]]:
    for line in desk.book.lines():
        if line.leg is None and line.client_order_id:
            for basket in line.working():
                if has_legs(basket.window_name):
                    yield line, basket


def _ticks(text: str) -> int:
    """A distance as a row has it; 0 where it is none."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0
