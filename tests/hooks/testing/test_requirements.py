"""The table that every kit fills."""

from types import SimpleNamespace

import pytest

from fillbridge_hooks.testing import NotApplicable, Unmet
from fillbridge_hooks.testing.requirements import Requirements, demand, demand_equal


def a_thing_is_so():
    """A thing is so,
    whatever it is.

    If this fails, make it so.
    """


@pytest.fixture
def table():
    return Requirements("XX")


def test_requirements_stand_in_the_order_of_their_numbers(table):
    table.add(1010, "late")(a_thing_is_so)
    table.add(20, "early", "replace")(a_thing_is_so)

    assert [one.id for one in table] == ["XX-020", "XX-1010"]
    first, _ = table
    assert first.name == "a_thing_is_so"
    assert first.demand == "A thing is so, whatever it is."


def test_a_number_is_given_once(table):
    table.add(10, "group")(a_thing_is_so)

    with pytest.raises(ValueError, match="XX-010: expected a free id"):
        table.add(10, "group")(a_thing_is_so)


def test_a_requirement_must_say_what_to_do(table):
    def silent():
        """A thing is so."""

    with pytest.raises(ValueError, match="XX-010: expected a docstring"):
        table.add(10, "group")(silent)


def test_a_need_that_is_not_declared_is_named(table):
    table.add(10, "group", "replace", "bracket")(a_thing_is_so)
    (requirement,) = table

    requirement.check_applies(SimpleNamespace(replace=True, bracket=True))
    with pytest.raises(NotApplicable, match="bracket is not declared"):
        requirement.check_applies(SimpleNamespace(replace=True))


def test_what_is_unmet_names_both_values():
    demand(1, "unused")
    demand_equal("position", 1, 1)
    with pytest.raises(Unmet, match=r"^it is so$"):
        demand([], "it is so")
    with pytest.raises(Unmet, match=r"^position: expected 2, was 1$"):
        demand_equal("position", 1, 2)
