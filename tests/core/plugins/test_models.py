import functools

import msgspec
import pytest

from fillbridge.plugins import Plugins
from fillbridge_hooks import ConfigurationError, PluginError, hookimpl


class Registers:
    """Declares a section where there is a Struct, and registers what ``offer`` does."""

    def __init__(self, offer, section=None):
        self.offer = offer
        self.section = section

    @hookimpl
    def fillbridge_register_settings(self, register):
        if self.section is not None:
            register(*self.section)

    @hookimpl
    def fillbridge_configure(self, settings, register):
        self.offer(settings, register)


class Direct:
    @hookimpl
    def fillbridge_slippage(self, order, market):
        return 0.25

    @hookimpl
    def fillbridge_commission(self, fill):
        return 2.5

    @hookimpl
    def fillbridge_check_risk(self, order):
        return ("direct", order)


def plugins_of(**named):
    plugins = Plugins()
    for name, plugin in named.items():
        plugins.register(plugin, name)
    return plugins


def models_of(**named):
    return plugins_of(**named).configure({})


def test_a_hook_is_a_model_of_its_plugins_name():
    models = models_of(quarter=Direct())

    name, slippage = models.slippage("quarter")
    assert (name, slippage("order", "market")) == ("quarter", 0.25)
    name, commission = models.commission("quarter")
    assert (name, commission("fill", "instrument")) == ("quarter", 2.5)


def test_a_registered_model_takes_the_arguments_that_it_needs():
    def offer(settings, register):
        register.slippage("by_market", lambda market: ("slippage", market))
        register.commission("backwards", lambda instrument, fill: (instrument, fill))
        register.risk_check("by_context", lambda context, order: (context, order))

    models = models_of(theirs=Registers(offer))

    assert models.slippage("by_market")[1]("order", "market") == ("slippage", "market")
    assert models.commission("backwards")[1]("fill", "instrument") == ("instrument", "fill")
    ((name, check),) = models.risk_checks()
    assert (name, check("order", "exposure", "market", "context")) == (
        "by_context",
        ("context", "order"),
    )


def test_a_registered_function_of_all_arguments_is_called_itself():
    def slippage(order, market):
        return 0.25

    models = models_of(theirs=Registers(lambda _, register: register.slippage("it", slippage)))

    assert models.slippage("it") == ("it", slippage)


def test_objects_and_partial_functions_are_models_too():
    class Model:
        def __call__(self, order):
            return order

    def offer(settings, register):
        register.slippage("object", Model())
        register.slippage("partial", functools.partial(lambda rate, order: (rate, order), 0.5))

    models = models_of(theirs=Registers(offer))

    assert models.slippage("object")[1]("order", "market") == "order"
    assert models.slippage("partial")[1]("order", "market") == (0.5, "order")


async def waits(order, market):
    return 0.25


class WaitsWhenCalled:
    async def __call__(self, order, market):
        return 0.25


@pytest.mark.parametrize(
    ("name", "function", "reason"),
    [
        ("it", waits, "slippage model 'it': async def is not supported"),
        ("it", WaitsWhenCalled(), "slippage model 'it': async def is not supported"),
        ("it", lambda order, *, market: 0.25, "slippage model 'it': 'market' is keyword-only"),
        ("it", lambda fill: 0.25, "slippage model 'it': there is no argument 'fill'"),
        ("it", 0.25, "slippage model 'it': expected a function, was 0.25"),
        ("it", dict.update, "slippage model 'it': expected a function whose arguments can be read"),
        ("", lambda order: 0.25, "name of a slippage model: expected a word, was ''"),
        (3, lambda order: 0.25, "name of a slippage model: expected a word, was 3"),
    ],
)
def test_what_is_no_model_is_refused(name, function, reason):
    plugin = Registers(lambda settings, register: register.slippage(name, function))

    with pytest.raises(PluginError) as raised:
        models_of(theirs=plugin)

    assert str(raised.value).startswith(f"plugin 'theirs': {reason}")


def test_two_models_of_one_name_name_both_plugins():
    plugin = Registers(lambda _, register: register.slippage("quarter", lambda order: 0.25))

    with pytest.raises(PluginError) as raised:
        models_of(quarter=Direct(), theirs=plugin)

    assert str(raised.value) == (
        "plugin 'theirs': slippage model 'quarter' is offered already, by plugin 'quarter'"
    )


def test_a_slippage_and_a_commission_model_may_share_a_name():
    def offer(settings, register):
        register.slippage("flat", lambda order: 0.25)
        register.commission("flat", lambda fill: 2.5)

    models = models_of(theirs=Registers(offer))

    assert models.slippage("flat")[1]("order", "market") == 0.25
    assert models.commission("flat")[1]("fill", "instrument") == 2.5


def test_a_model_that_nobody_offers_is_answered_with_what_is_installed():
    def offer(settings, register):
        for name in ("linear", "fixed", "impact"):
            register.slippage(name, lambda order: 0.25)

    models = models_of(theirs=Registers(offer))

    with pytest.raises(ConfigurationError) as raised:
        models.slippage("foo")
    assert str(raised.value) == (
        "backtest_settings.slippage.type:"
        " expected one of 'fixed', 'impact', 'linear' (installed), was 'foo'"
    )
    with pytest.raises(ConfigurationError) as raised:
        models.commission("foo")
    assert str(raised.value) == (
        "backtest_settings.commission.type: expected a commission model, none installed, was 'foo'"
    )


def test_every_risk_check_is_there_in_the_order_of_plugins():
    def offer(settings, register):
        register.risk_check("second", lambda order: "second")
        register.risk_check("first", lambda order: "first")

    class Both(Direct, Registers):
        pass

    models = models_of(c=Direct(), b=Both(offer), a=Direct())

    assert [name for name, _ in models.risk_checks()] == ["a", "b", "second", "first", "c"]


def test_two_risk_checks_of_one_name_are_refused():
    def offer(settings, register):
        register.risk_check("limit", lambda order: None)

    with pytest.raises(PluginError, match=r"risk check 'limit' is offered already, by plugin 'a'"):
        models_of(a=Registers(offer), b=Registers(offer))


class Settings(msgspec.Struct, frozen=True):
    rate: float = 0.5


class Demanding(msgspec.Struct, frozen=True):
    rate: float


def test_each_plugin_is_configured_with_its_own_settings():
    seen = {}

    def remember(name):
        return lambda settings, register: seen.setdefault(name, settings)

    plugins = plugins_of(
        given=Registers(remember("given"), ("given", Settings)),
        absent=Registers(remember("absent"), ("absent", Settings)),
        without=Registers(remember("without")),
    )

    plugins.configure({"given": Settings(rate=2.0)})

    assert seen == {"given": Settings(rate=2.0), "absent": Settings(rate=0.5), "without": None}


def test_a_section_that_must_be_written_is_not_made_up():
    plugins = plugins_of(theirs=Registers(lambda *_: None, ("their.section", Demanding)))

    with pytest.raises(ConfigurationError, match=r"their\.section: .*missing required .*rate"):
        plugins.configure({})


def test_a_plugin_that_fails_to_configure_is_named():
    def offer(settings, register):
        raise ValueError("no such table")

    with pytest.raises(PluginError) as raised:
        models_of(theirs=Registers(offer))

    assert str(raised.value) == (
        "plugin 'theirs': fillbridge_configure raised ValueError: no such table"
    )
    assert isinstance(raised.value.__cause__, ValueError)


def test_each_configuration_has_models_of_its_own():
    plugin = Registers(
        lambda settings, register: register.slippage("it", lambda order: settings.rate),
        ("theirs", Settings),
    )
    plugins = plugins_of(theirs=plugin)

    one = plugins.configure({"theirs": Settings(rate=1.0)})
    two = plugins.configure({"theirs": Settings(rate=2.0)})

    assert one.slippage("it")[1]("order", "market") == 1.0
    assert two.slippage("it")[1]("order", "market") == 2.0
