"""An honest driver passes everything, whatever it declares and whether or not its link breaks."""

import re
from collections import Counter

from tests.hooks.testing.honest import rehearse

from fillbridge_hooks import Capabilities
from fillbridge_hooks.testing import DRIVER_REQUIREMENTS, DriverConformance
from fillbridge_hooks.testing.drivers import DRIVER_GROUPS


class TestHonest(DriverConformance):
    def rehearse(self):
        return rehearse()


class TestHonestWithoutCapabilities(DriverConformance):
    def rehearse(self):
        return rehearse(capabilities=Capabilities())


class TestHonestWithoutCut(DriverConformance):
    def rehearse(self):
        return rehearse(with_cut=False)


def test_every_group_has_requirements_and_they_stand_together():
    assert len(DRIVER_GROUPS) == 12
    assert tuple(Counter(one.group for one in DRIVER_REQUIREMENTS)) == DRIVER_GROUPS


def test_at_least_25_requirements_apply_to_every_driver():
    assert len([one for one in DRIVER_REQUIREMENTS if not one.needs]) >= 25


def test_needs_are_capabilities():
    needs = {need for one in DRIVER_REQUIREMENTS for need in one.needs}

    assert needs <= set(Capabilities.__struct_fields__)


def test_every_requirement_has_an_id_and_says_what_to_do():
    for one in DRIVER_REQUIREMENTS:
        assert re.fullmatch(r"EX-\d{3,4}", one.id)
        assert one.demand.endswith(".")
        assert "\nIf this fails, " in one.text
