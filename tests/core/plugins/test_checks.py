import functools
import types

import pytest

import fillbridge_hooks
from fillbridge.plugins import Plugins
from fillbridge_hooks import PluginError, hookimpl


def module(**functions):
    plugin = types.ModuleType("their_module")
    for name, value in functions.items():
        setattr(plugin, name, value)
    return plugin


def refusal(plugin):
    plugins = Plugins()
    with pytest.raises(PluginError) as raised:
        plugins.register(plugin, "theirs")
    assert plugins.names() == ()
    assert not plugins.resolve("fillbridge_slippage")
    assert raised.value.plugin == "theirs"
    return raised.value.message


async def coroutine(order, market):
    return 0.25


async def async_generator(order, market):
    yield 0.25


def generator(order, market):
    yield 0.25


def keyword_only(order, *, market):
    return 0.25


def keyword_only_with_default(order, market, *, rate=0.25):
    return rate


def variadic(*arguments):
    return 0.25


def keywords(order, **others):
    return 0.25


def unknown_argument(order, price):
    return 0.25


def unknown_argument_with_default(order, rate=0.25):
    return rate


@functools.wraps(coroutine)
def wraps_a_coroutine(*arguments):
    return coroutine(*arguments)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (coroutine, "async def is not supported"),
        (async_generator, "async def is not supported"),
        (generator, "yield is not supported"),
        (wraps_a_coroutine, "async def is not supported"),
        (keyword_only, "'market' is keyword-only"),
        (keyword_only_with_default, "'rate' is keyword-only"),
        (variadic, "'*arguments' would stay empty"),
        (keywords, "'**others' would stay empty"),
        (unknown_argument, "there is no argument 'price'; expected any of order, market"),
        (unknown_argument_with_default, "there is no argument 'rate'"),
    ],
)
def test_a_function_that_cannot_be_called_as_the_hook_is_refused(function, reason):
    message = refusal(module(fillbridge_slippage=hookimpl(function)))

    assert message.startswith(f"fillbridge_slippage: {reason}")


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("wrapper", "hooks are called as plain functions"),
        ("hookwrapper", "hooks are called as plain functions"),
        ("tryfirst", "plugins are called in the order of their names"),
        ("trylast", "plugins are called in the order of their names"),
    ],
)
def test_an_option_that_changes_the_order_of_calls_is_refused(option, reason):
    @hookimpl(**{option: True})
    def fillbridge_slippage(order, market):
        return 0.25

    message = refusal(module(fillbridge_slippage=fillbridge_slippage))

    assert message.startswith(f"fillbridge_slippage: {option} is not supported: {reason}")


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("fillbridge_slipage", "; did you mean 'fillbridge_slippage'?"),
        ("comission", "; did you mean 'fillbridge_commission'?"),
        ("fillbridge_zzzzzzzzzzzz", ""),
    ],
)
def test_an_unknown_hook_is_refused_with_the_nearest_name(name, suggestion):
    message = refusal(module(**{name: hookimpl(lambda order: 0.25)}))

    assert message == f"{name}: there is no hook '{name}'{suggestion}"


def test_an_unknown_hook_that_is_optional_is_left_out():
    plugin = module(fillbridge_of_the_future=hookimpl(lambda thing: None, optionalhook=True))
    plugins = Plugins()

    plugins.register(plugin, "theirs")

    assert plugins.names() == ("theirs",)


@pytest.mark.parametrize(
    "forgotten",
    [
        lambda order, market: 0.25,
        functools.lru_cache(hookimpl(lambda order: 0.25)),
        functools.partial(lambda order, market: 0.25),
    ],
)
def test_a_function_named_like_a_hook_needs_the_marker(forgotten):
    message = refusal(module(fillbridge_slippage=forgotten))

    assert message.startswith("fillbridge_slippage: expected a plain function with @hookimpl")
    assert "forgot @hookimpl?" in message


def test_a_property_named_like_a_hook_is_refused_and_not_evaluated():
    class Plugin:
        @property
        def fillbridge_slippage(self):
            raise AssertionError("evaluated")

    assert "forgot @hookimpl?" in refusal(Plugin())


def test_modules_and_data_are_no_hooks():
    plugins = Plugins()

    plugins.register(module(fillbridge_hooks=fillbridge_hooks, fillbridge_limit=3), "theirs")

    assert plugins.names() == ("theirs",)


def test_a_method_of_a_class_that_nobody_made_an_instance_of_is_refused():
    class Plugin:
        @hookimpl
        def fillbridge_slippage(self, order, market):
            return 0.25

    assert "takes self; register an instance" in refusal(Plugin)


def test_one_refused_implementation_refuses_the_whole_plugin():
    plugin = module(
        fillbridge_handle_event=hookimpl(lambda event: None),
        fillbridge_slippage=hookimpl(keyword_only),
    )
    plugins = Plugins()

    with pytest.raises(PluginError):
        plugins.register(plugin, "theirs")

    assert plugins.resolve("fillbridge_handle_event") == ()
