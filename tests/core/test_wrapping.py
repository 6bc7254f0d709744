"""What plugins put around a driver."""

from types import SimpleNamespace

import pytest

from fillbridge.config import Settings
from fillbridge.plugins import Plugins
from fillbridge.wrapping import wrap_driver
from fillbridge_hooks import Capabilities, PluginError, hookimpl


class Driver:
    capabilities = Capabilities()

    def __init__(self, inside=None):
        self.inside = inside

    def connect(self, terms):
        raise NotImplementedError


def plugin(answer):
    @hookimpl
    def fillbridge_wrap_driver(driver, name, settings):
        return answer(driver, name, settings)

    return SimpleNamespace(fillbridge_wrap_driver=fillbridge_wrap_driver)


def wrap(driver, settings=None, **answers):
    plugins = Plugins()
    for name, answer in answers.items():
        plugins.register(plugin(answer), name)
    return wrap_driver(driver, "sim", plugins, settings or Settings())


def test_each_plugin_sees_what_the_one_before_it_made():
    seen = []

    def first(driver, name, settings):
        seen.append((name, settings))
        return Driver(driver)

    inner = Driver()
    outer = wrap(
        inner,
        Settings(plugin_sections={"a": "its own"}),
        b=lambda driver, name, settings: Driver(driver),
        a=first,
        c=lambda driver, name, settings: None,
    )

    assert outer.inside.inside is inner
    assert seen == [("sim", "its own")]


def test_without_plugins_the_driver_is_left_alone():
    driver = Driver()

    assert wrap(driver) is driver


def test_a_plugin_that_raises_is_named():
    def fail(driver, name, settings):
        raise ValueError("no luck")

    with pytest.raises(PluginError, match=r"plugin 'a'.*ValueError: no luck"):
        wrap(Driver(), a=fail)


def test_an_answer_that_is_no_driver_is_named():
    with pytest.raises(PluginError, match=r"plugin 'a'.*expected a driver or None, was 'sim'"):
        wrap(Driver(), a=lambda driver, name, settings: name)
