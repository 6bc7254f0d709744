"""The conformance kits, and what tests of drivers and of live trading share.

Needs the extra ``testing``. The kits are classes to subclass: ``DriverConformance``,
``CostModelConformance``, ``RiskCheckConformance``. They are imported when they are asked for,
since ``fillbridge conformance`` runs what they run without pytest.
"""

from typing import TYPE_CHECKING, Any

from fillbridge_hooks.testing.certificate import Certificate, Examined, certify, examine_all
from fillbridge_hooks.testing.clock import ManualClock
from fillbridge_hooks.testing.costs import COST_REQUIREMENTS, CostPromises
from fillbridge_hooks.testing.defaults import ES, connection_terms
from fillbridge_hooks.testing.drivers import DRIVER_REQUIREMENTS
from fillbridge_hooks.testing.loop_clock import LoopClock, loop_clock
from fillbridge_hooks.testing.requirements import NotApplicable, Requirement, Unmet
from fillbridge_hooks.testing.risks import RISK_REQUIREMENTS, RiskCase

if TYPE_CHECKING:
    from fillbridge_hooks.testing.driver_suite import DriverConformance
    from fillbridge_hooks.testing.model_suites import CostModelConformance, RiskCheckConformance

__all__ = (
    "COST_REQUIREMENTS",
    "Certificate",
    "CostModelConformance",
    "CostPromises",
    "DRIVER_REQUIREMENTS",
    "DriverConformance",
    "ES",
    "Examined",
    "LoopClock",
    "ManualClock",
    "NotApplicable",
    "RISK_REQUIREMENTS",
    "Requirement",
    "RiskCase",
    "RiskCheckConformance",
    "Unmet",
    "certify",
    "connection_terms",
    "examine_all",
    "loop_clock",
)


def __getattr__(name: str) -> Any:
    if name == "DriverConformance":
        from fillbridge_hooks.testing.driver_suite import DriverConformance

        return DriverConformance
    if name in ("CostModelConformance", "RiskCheckConformance"):
        from fillbridge_hooks.testing import model_suites

        return getattr(model_suites, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
