"""What a fill costs, by the commission model that was chosen."""

import logging
import math

from fillbridge.engine.state import EngineState
from fillbridge.publishing import Publisher
from fillbridge_hooks import CommissionFunction, Fill, InvalidValue

_logger = logging.getLogger(__name__)


class Charging:
    """Charges fills.

    :param model: the commission model with its name, ``None`` for no commission
    """

    def __init__(
        self,
        model: tuple[str, CommissionFunction] | None,
        state: EngineState,
        publisher: Publisher,
    ) -> None:
        self._name = model[0] if model else ""
        self._function = model[1] if model else None
        self._state = state
        self._publisher = publisher

    def cents(self, fill: Fill) -> int | None:
        """The charge for a fill; ``None``, with an alarm, where the model fails."""
        function = self._function
        known = self._state.orders.get(fill.client_order_id)
        if function is None or known is None:
            return 0
        try:
            charge = function(fill, known[1].order.instrument)
            if -math.inf < charge < math.inf:
                return round(charge * 100)
            raise InvalidValue("commission", "a finite number", charge)
        except Exception as error:
            _logger.exception("commission model %s failed on fill %s", self._name, fill.fill_id)
            self._publisher.execution_error(
                f"commission model '{self._name}' failed on fill {fill.fill_id}, its cost is "
                f"unknown: {type(error).__name__}: {error}",
                known[0].plan.proposal,
                fill.time_ns,
            )
            return None
