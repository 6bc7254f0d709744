import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.plugins import HOOK_ARGUMENTS, Plugins
from fillbridge_hooks import InvalidValue, hookimpl

RETURN_ARGUMENTS = (
    lambda: (),
    lambda a: (a,),
    lambda a, b: (a, b),
    lambda a, b, c: (a, b, c),
    lambda a, b, c, d: (a, b, c, d),
)


def function_of(names, defaults):
    """A function of these arguments that returns their values; the last ones have defaults."""
    template = RETURN_ARGUMENTS[len(names)].__code__
    code = template.replace(co_varnames=tuple(names))
    return types.FunctionType(code, {}, argdefs=("default",) * defaults)


def resolve_one(hook, function):
    plugin = types.ModuleType("their_module")
    setattr(plugin, hook, hookimpl(function))
    plugins = Plugins()
    plugins.register(plugin, "theirs")
    (found,) = plugins.resolve(hook)
    return found.function


@given(data=st.data(), hook=st.sampled_from(sorted(HOOK_ARGUMENTS)))
def test_any_subset_in_any_order_receives_the_callers_values(data, hook):
    arguments = HOOK_ARGUMENTS[hook]
    names = data.draw(st.lists(st.sampled_from(arguments), unique=True), label="names")
    defaults = data.draw(st.integers(0, len(names)), label="how many have defaults")
    function = resolve_one(hook, function_of(names, defaults))
    values = [f"the caller's {name}" for name in arguments]

    assert function(*values) == tuple(f"the caller's {name}" for name in names)


def test_an_implementation_of_all_arguments_in_order_is_called_itself():
    def fillbridge_check_risk(order, exposure, market, context):
        return None

    assert resolve_one("fillbridge_check_risk", fillbridge_check_risk) is fillbridge_check_risk


class Methods:
    @hookimpl
    def fillbridge_slippage(self, market):
        return (self, market)

    @hookimpl
    @classmethod
    def fillbridge_commission(cls, instrument):
        return (cls, instrument)

    @staticmethod
    @hookimpl
    def fillbridge_handle_event(event):
        return event


class WithoutInstance:
    @hookimpl
    @classmethod
    def fillbridge_commission(cls, instrument):
        return (cls, instrument)

    @hookimpl
    @staticmethod
    def fillbridge_handle_event(event):
        return event


def test_an_instance_implements_with_methods():
    plugins = Plugins()
    plugin = Methods()
    plugins.register(plugin, "theirs")

    assert plugins.resolve("fillbridge_slippage")[0].function("order", "market") == (
        plugin,
        "market",
    )


@pytest.mark.parametrize("plugin", [Methods(), WithoutInstance])
def test_a_class_implements_without_an_instance(plugin):
    plugins = Plugins()
    plugins.register(plugin, "theirs")

    (commission,) = plugins.resolve("fillbridge_commission")
    (event,) = plugins.resolve("fillbridge_handle_event")
    assert commission.function("fill", "instrument")[1] == "instrument"
    assert event.function("event") == "event"


def test_the_order_of_names_decides_not_that_of_registration():
    plugins = Plugins()
    for name in ("b", "c", "a"):
        plugins.register(Methods(), name)

    assert [found.plugin for found in plugins.resolve("fillbridge_slippage")] == ["a", "b", "c"]


def test_a_function_may_bear_another_name_than_its_hook():
    class Plugin:
        @hookimpl(specname="fillbridge_handle_event")
        def first(self, event):
            return "first"

        @hookimpl(specname="fillbridge_handle_event")
        def second(self, event):
            return "second"

    plugins = Plugins()
    plugins.register(Plugin(), "theirs")

    found = plugins.resolve("fillbridge_handle_event")
    assert [one.function("event") for one in found] == ["first", "second"]


def test_an_unknown_hook_cannot_be_resolved():
    with pytest.raises(InvalidValue, match=r"hook: expected one of .*, was 'fillbridge_nothing'"):
        Plugins().resolve("fillbridge_nothing")
