"""The conformance kits of cost models and risk checks, as classes for pytest."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from fillbridge_hooks.registration import CommissionFunction, RiskCheck
from fillbridge_hooks.simulation import SlippageFunction
from fillbridge_hooks.testing.costs import COST_REQUIREMENTS, CostModel, CostPromises
from fillbridge_hooks.testing.requirements import NotApplicable, Requirement
from fillbridge_hooks.testing.risks import RISK_REQUIREMENTS, JudgedCheck, RiskCase
from fillbridge_hooks.testing.suites import Conformance, tests_for


def _cost_test(requirement: Requirement[Any]) -> Callable[["CostModelConformance"], None]:
    def test(self: "CostModelConformance") -> None:
        model = CostModel(
            slippage=self.slippage(), commission=self.commission(), promises=self.promises
        )
        try:
            requirement.check_applies(model)
        except NotApplicable as skipped:
            pytest.skip(str(skipped))
        requirement.function(model)

    return test


@tests_for(COST_REQUIREMENTS, _cost_test)
class CostModelConformance(Conformance):
    """Everything that is demanded of a cost model.

    Subclass it, name the class ``Test...``, and write :meth:`slippage`, :meth:`commission` or
    both. A function may take all arguments of its hook, or some of them by name.
    """

    promises: ClassVar[CostPromises] = CostPromises()
    """What the model promises beyond what all must keep to."""

    def slippage(self) -> SlippageFunction | None:
        """The slippage model, ``None`` where there is none."""
        return None

    def commission(self) -> CommissionFunction | None:
        """The commission model, ``None`` where there is none."""
        return None

    def test_there_is_a_model(self) -> None:
        """The suite examines something.

        If this fails, write ``slippage``, ``commission`` or both.
        """
        if self.slippage() is None and self.commission() is None:
            pytest.fail(f"{type(self).__name__}: expected slippage() or commission(), was neither")


def _risk_test(requirement: Requirement[Any]) -> Callable[["RiskCheckConformance"], None]:
    def test(self: "RiskCheckConformance") -> None:
        requirement.function(JudgedCheck(check=self.check(), refused=self.refused()))

    return test


@tests_for(RISK_REQUIREMENTS, _risk_test)
class RiskCheckConformance(Conformance):
    """Everything that is demanded of a risk check.

    Subclass it, name the class ``Test...``, and write :meth:`check`.
    """

    def check(self) -> RiskCheck:
        """The check; it may take all arguments of its hook, or some of them by name."""
        raise NotImplementedError(f"{type(self).__name__}: expected check(), was left out")

    def refused(self) -> RiskCase | None:
        """An example that the check objects to; ``None``: the extremes that the kit tries."""
        return None
