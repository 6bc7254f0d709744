"""What plugins may make of an entry before it is judged."""

import logging
from collections.abc import Sequence

from fillbridge.plugins import Implementation
from fillbridge_hooks import MarketView, Order, OrderRefused, OrderType, Refuse

_logger = logging.getLogger(__name__)

_PRICES_OF = {
    OrderType.MARKET: (False, False),
    OrderType.LIMIT: (True, False),
    OrderType.STOP: (False, True),
    OrderType.STOP_LIMIT: (True, True),
}
"""Whether an entry of this type has a limit and a trigger."""


def prepare_order(plugins: Sequence[Implementation], order: Order, market: MarketView) -> Order:
    """Let each plugin change the order; each sees what the one before it made.

    :raises OrderRefused: if a plugin fails, or changes what it must keep
    """
    for plugin in plugins:
        try:
            changed = plugin.function(order, market)
        except Exception as error:
            _logger.exception("plugin %s failed to prepare an order", plugin.plugin)
            value = f"{type(error).__name__}: {error}"
            raise OrderRefused(
                [Refuse(check=plugin.plugin, limit="a prepared order", value=value)]
            ) from error
        if changed is not None:
            order = _checked_change(plugin.plugin, order, changed)
    return order


def _checked_change(plugin: str, order: Order, changed: object) -> Order:
    """What a plugin made of an order, if it kept what it must keep."""
    if not isinstance(changed, Order):
        raise OrderRefused([Refuse(check=plugin, limit="an Order or None", value=repr(changed))])
    for field in ("client_order_id", "trade_id", "role", "instrument", "side"):
        if getattr(changed, field) != getattr(order, field):
            value = repr(getattr(changed, field))
            raise OrderRefused([Refuse(check=plugin, limit=f"an unchanged {field}", value=value)])
    if type(changed.quantity) is not int or changed.quantity < 1:
        value = repr(changed.quantity)
        raise OrderRefused([Refuse(check=plugin, limit="a quantity >= 1", value=value)])
    has_limit, has_trigger = changed.limit_ticks is not None, changed.trigger_ticks is not None
    if _PRICES_OF.get(changed.order_type) != (has_limit, has_trigger):
        limit = f"the prices of a {changed.order_type} order and no other"
        value = f"limit {changed.limit_ticks}, trigger {changed.trigger_ticks}"
        raise OrderRefused([Refuse(check=plugin, limit=limit, value=value)])
    return changed
