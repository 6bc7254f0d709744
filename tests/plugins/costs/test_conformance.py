"""The cost models that Fillbridge comes with, held to what is demanded of all."""

from fillbridge_costs import (
    CommissionSettings,
    SlippageSettings,
    fixed,
    impact,
    linear,
    per_contract,
)
from fillbridge_hooks.testing import CostModelConformance, CostPromises


class TestFixed(CostModelConformance):
    promises = CostPromises(grows_with_quantity=True)

    def slippage(self):
        return fixed(SlippageSettings())


class TestLinear(CostModelConformance):
    promises = CostPromises(grows_with_quantity=True)

    def slippage(self):
        return linear(SlippageSettings())


class TestImpact(CostModelConformance):
    promises = CostPromises(grows_with_quantity=True)

    def slippage(self):
        return impact(SlippageSettings())


class TestPerContract(CostModelConformance):
    def commission(self):
        return per_contract(CommissionSettings())


class TestPerContractWithMinimum(CostModelConformance):
    def commission(self):
        return per_contract(
            CommissionSettings(per_contract=2.505, per_order=1.0, minimum_per_order=20.0)
        )
