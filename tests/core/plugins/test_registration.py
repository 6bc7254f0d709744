import msgspec
import pytest

from fillbridge.plugins import DeclaredSection, Plugins
from fillbridge_hooks import Capabilities, ConfigurationError, PluginError, hookimpl


class Settings(msgspec.Struct, frozen=True):
    rate: float = 0.5


class Driver:
    capabilities = Capabilities()


class Declares:
    def __init__(self, *sections, **keywords):
        self.sections = sections
        self.keywords = keywords
        self.calls = 0

    @hookimpl
    def fillbridge_register_settings(self, register):
        self.calls += 1
        for section, struct in self.sections:
            register(section, struct, **self.keywords)


class Offers:
    def __init__(self, *drivers):
        self.drivers = drivers
        self.calls = 0

    @hookimpl
    def fillbridge_register_drivers(self, register):
        self.calls += 1
        for name, driver in self.drivers:
            register(name, driver)


def plugins_of(**named):
    plugins = Plugins()
    for name, plugin in named.items():
        plugins.register(plugin, name)
    return plugins


def _reads(path):
    return Declares(("one", Settings), aliases={"rate": path})


class Credentials(msgspec.Struct):
    credentials: dict[str, str] = {}


def test_sections_come_with_their_plugin_in_the_order_of_names():
    plugins = plugins_of(
        b=Declares(("costs.b", Settings), aliases={"rate": "performance.rate"}),
        a=Declares(("costs.a", Settings)),
        none=Declares(),
    )

    first, second = plugins.settings_sections()

    assert (first.plugin, first.section, first.aliases) == ("a", "costs.a", {})
    assert isinstance(second, DeclaredSection)
    assert second.struct is Settings
    assert second.aliases == {"rate": "performance.rate"}


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (
            Declares(("one", Settings), ("two", Settings)),
            "settings section 'two': a plugin has one section, and this one declared 'one' already",
        ),
        (
            Declares(("one", dict)),
            "settings section 'one': expected a subclass of msgspec.Struct, was <class 'dict'>",
        ),
        (
            Declares(("one", Settings())),
            "settings section 'one': expected a subclass of msgspec.Struct, was Settings(rate=0.5)",
        ),
        (
            Declares(("one..two", Settings)),
            "settings section 'one..two': expected a dotted path below execution_handler",
        ),
        (
            Declares((None, Settings)),
            "settings section None: expected a dotted path below execution_handler",
        ),
        (
            Declares(("one", Settings), aliases={"speed": "performance.speed"}),
            "settings section 'one': alias for 'speed', which is no field of Settings",
        ),
        *(
            (
                plugin,
                (
                    f"settings section '{section}': reads '{path}', but credentials are for the"
                    " driver alone that logs in"
                ),
            )
            for plugin, section, path in (
                (_reads("live_settings.credentials"), "one", "live_settings.credentials"),
                (_reads("live_settings.credentials.x"), "one", "live_settings.credentials.x"),
                (_reads("live_settings.proposal_keys"), "one", "live_settings.proposal_keys"),
                (_reads("live_settings"), "one", "live_settings"),
                (
                    Declares(("live_settings.credentials", Settings)),
                    "live_settings.credentials",
                    "live_settings.credentials",
                ),
                (
                    Declares(("live_settings", Credentials)),
                    "live_settings",
                    "live_settings.credentials",
                ),
            )
        ),
        (
            Declares(("one", Settings), surprise=True),
            "fillbridge_register_settings raised TypeError: ",
        ),
    ],
)
def test_what_is_no_section_is_refused(plugin, reason):
    with pytest.raises(PluginError) as raised:
        plugins_of(theirs=plugin).settings_sections()

    assert str(raised.value).startswith(f"plugin 'theirs': {reason}")


def test_two_plugins_that_claim_one_section_are_both_named():
    plugins = plugins_of(a=Declares(("costs", Settings)), b=Declares(("costs", Settings)))

    with pytest.raises(PluginError) as raised:
        plugins.settings_sections()

    assert str(raised.value) == (
        "plugin 'b': settings section 'costs': claimed already, by plugin 'a'"
    )


def test_a_plugin_is_asked_once():
    declares, offers = Declares(("costs", Settings)), Offers(("paper", Driver()))
    plugins = plugins_of(declares=declares, offers=offers)

    for _ in range(2):
        plugins.settings_sections()
        plugins.configure({})
        plugins.drivers()
        plugins.driver("paper")

    assert (declares.calls, offers.calls) == (1, 1)


def test_a_plugin_that_is_registered_later_is_asked_too():
    plugins = plugins_of(a=Declares(("costs", Settings)))
    assert plugins.drivers() == {}
    assert len(plugins.settings_sections()) == 1

    plugins.register(Offers(("paper", Driver())), "b")
    plugins.register(Declares(("risk", Settings)), "c")

    assert list(plugins.drivers()) == ["paper"]
    assert len(plugins.settings_sections()) == 2


def test_drivers_are_found_by_name():
    paper, sim = Driver(), Driver()
    plugins = plugins_of(b=Offers(("paper", paper)), a=Offers(("sim", sim)))

    assert plugins.drivers() == {"sim": sim, "paper": paper}
    assert plugins.driver("paper") is paper
    assert plugins.driver_plugin("paper") == "b"


def test_a_driver_that_nobody_offers_is_answered_with_what_is_installed():
    plugins = plugins_of(a=Offers(("sim", Driver()), ("paper", Driver())))

    with pytest.raises(ConfigurationError) as raised:
        plugins.driver("foo")

    assert str(raised.value) == (
        "backtest_settings.driver: expected one of 'paper', 'sim' (installed), was 'foo'"
    )


def test_two_drivers_of_one_name_name_both_plugins():
    plugins = plugins_of(a=Offers(("sim", Driver())), b=Offers(("sim", Driver())))

    with pytest.raises(PluginError) as raised:
        plugins.drivers()

    assert str(raised.value) == "plugin 'b': driver 'sim' is offered already, by plugin 'a'"


def test_a_driver_says_what_it_can_do():
    plugins = plugins_of(a=Offers(("sim", object())))

    with pytest.raises(PluginError, match=r"plugin 'a': driver 'sim': expected capabilities"):
        plugins.drivers()
