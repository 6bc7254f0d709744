import pytest

from fillbridge.plugins import HOOK_ARGUMENTS, Plugins, explain, report_plugins
from fillbridge_hooks import InvalidValue, hookimpl


class Direct:
    @hookimpl
    def fillbridge_slippage(self, market):
        return 0.25


class Configured:
    @hookimpl
    def fillbridge_configure(self, register):
        register.slippage("fixed", lambda: 0.25)


class Failing:
    @hookimpl
    def fillbridge_configure(self, register):
        raise ValueError("no such table")


def plugins_of(**named):
    plugins = Plugins()
    for name, plugin in named.items():
        plugins.register(plugin, name)
    return plugins


def test_a_hook_is_explained_by_implementations_and_models():
    plugins = plugins_of(b=Direct(), c=Configured(), a=Direct())

    (report,) = explain(plugins, hooks=["fillbridge_slippage"]).hooks

    assert report.arguments == ("order", "market")
    assert [one.plugin for one in report.implementations] == ["a", "b"]
    assert [(one.name, one.plugin) for one in report.models] == [
        ("a", "a"),
        ("b", "b"),
        ("fixed", "c"),
    ]


def test_every_hook_is_explained():
    explanation = explain(Plugins())

    assert [report.hook for report in explanation.hooks] == list(HOOK_ARGUMENTS)
    assert explanation.problems == ()


def test_a_plugin_that_fails_to_configure_hides_no_implementation():
    plugins = plugins_of(a=Direct(), b=Failing())

    explanation = explain(plugins, hooks=["fillbridge_slippage"])

    assert [one.plugin for one in explanation.hooks[0].implementations] == ["a"]
    assert explanation.problems == (
        "plugin 'b': fillbridge_configure raised ValueError: no such table",
    )


def test_an_unknown_hook_cannot_be_explained():
    with pytest.raises(InvalidValue, match="hook: expected one of"):
        explain(Plugins(), hooks=["fillbridge_nothing"])


def test_plugins_are_reported_by_name_with_the_broken_ones(install):
    install("bad-dist", {"broken": "import a_module_that_nobody_installed"})
    plugins = plugins_of(c=Configured(), a=Direct())

    reports = report_plugins(plugins, plugins.load(only={"broken"}, strict=False))

    assert [(one.plugin, one.status, one.hooks) for one in reports] == [
        ("a", "ok", ("fillbridge_slippage",)),
        ("broken", "broken", ()),
        ("c", "ok", ("fillbridge_configure",)),
    ]
    assert reports[1].distribution == "bad-dist"
    assert "a_module_that_nobody_installed" in reports[1].reason
