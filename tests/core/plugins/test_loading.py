import sys

import pytest

from fillbridge.plugins import BrokenPlugins, Plugins
from fillbridge_hooks import PluginError, hookimpl

EMPTY = ""
BROKEN_IMPORT = "import a_module_that_nobody_installed"


def test_a_strangers_model_of_one_file_is_loaded_and_called(install, strangers_model):
    install("their-costs", {"half_point": strangers_model}, version="2.3")
    plugins = Plugins()

    plugins.load(only={"half_point"})

    (found,) = plugins.resolve("fillbridge_slippage")
    assert (found.plugin, found.distribution, found.version) == ("half_point", "their-costs", "2.3")
    assert found.module == "their_costs_half_point"
    assert found.function(None, None) == 0.25
    assert plugins.configure({}).slippage("half_point")[1] is found.function


def test_plugins_load_in_the_order_of_their_names(install):
    source = """
        from fillbridge_hooks import hookimpl

        @hookimpl
        def fillbridge_handle_event(event):
            event.append(__name__)
    """
    for distribution, name in (("z-dist", "a"), ("m-dist", "c"), ("a-dist", "b")):
        install(distribution, {name: source})
    plugins = Plugins()

    plugins.load(only=("c", "b", "a"))

    called = []
    for found in plugins.resolve("fillbridge_handle_event"):
        found.function(called)
    assert plugins.names() == ("a", "b", "c")
    assert called == ["z_dist_a", "a_dist_b", "m_dist_c"]


def test_what_is_not_allowed_is_not_imported(install):
    install("their-dist", {"wanted": EMPTY, "unwanted": BROKEN_IMPORT})
    plugins = Plugins()

    plugins.load(only={"wanted"})

    assert plugins.names() == ("wanted",)
    assert "their_dist_wanted" in sys.modules
    assert "their_dist_unwanted" not in sys.modules


def test_without_an_allow_list_everything_installed_is_loaded(install):
    install("their-dist", {"wanted": EMPTY})
    plugins = Plugins()

    plugins.load(strict=False)

    assert "wanted" in plugins.names()


def test_an_allowed_plugin_that_is_not_installed_is_named():
    with pytest.raises(BrokenPlugins, match=r"^plugin 'absent': allowed, but not installed$"):
        Plugins().load(only={"absent"})


def test_a_broken_plugin_is_named_and_hides_no_other(install):
    install("bad-import", {"b": BROKEN_IMPORT}, version="9.9")
    install("bad-exit", {"c": "raise SystemExit('not here')"})
    install(
        "bad-hook",
        {"d": "from fillbridge_hooks import hookimpl\n@hookimpl\ndef fillbridge_fill(fill): ..."},
    )
    install("good", {"a": EMPTY, "e": EMPTY})
    plugins = Plugins()

    with pytest.raises(BrokenPlugins) as raised:
        plugins.load(only={"a", "b", "c", "d", "e"})

    assert plugins.names() == ("a", "e")
    assert isinstance(raised.value, PluginError)
    first, second, third = str(raised.value).split("; plugin")
    assert first == (
        "plugin 'b' from bad-import 9.9: cannot be imported:"
        " ModuleNotFoundError: No module named 'a_module_that_nobody_installed'"
    )
    assert second == " 'c' from bad-exit 1.0: cannot be imported: SystemExit: not here"
    assert third.startswith(" 'd' from bad-hook 1.0: fillbridge_fill: there is no hook")
    assert [one.source.plugin for one in raised.value.broken] == ["b", "c", "d"]


def test_broken_plugins_are_returned_where_they_are_no_error(install):
    install("bad-import", {"b": BROKEN_IMPORT})

    (broken,) = Plugins().load(only={"b"}, strict=False)

    assert broken.source.distribution == "bad-import"
    assert broken.source.version == "1.0"
    assert isinstance(broken.error.__cause__, ModuleNotFoundError)


def test_two_distributions_with_one_name_are_both_named_and_neither_is_loaded(install):
    install("first-dist", {"same": EMPTY})
    install("second-dist", {"same": EMPTY})
    install("third-dist", {"other": EMPTY})
    plugins = Plugins()

    with pytest.raises(BrokenPlugins) as raised:
        plugins.load(only={"same", "other"})

    assert str(raised.value) == (
        "plugin 'same' from first-dist 1.0: plugin 'same' from second-dist 1.0 has the same name;"
        " uninstall one of them; "
        "plugin 'same' from second-dist 1.0: plugin 'same' from first-dist 1.0 has the same name;"
        " uninstall one of them"
    )
    assert plugins.names() == ("other",)


def test_a_distribution_that_lost_its_metadata_is_loaded_all_the_same(install, tmp_path):
    install("half-removed", {"orphan": EMPTY})
    (metadata,) = tmp_path.glob("*/*/METADATA")
    metadata.unlink()
    plugins = Plugins()

    plugins.load(only={"orphan"})

    assert plugins.source("orphan").origin == "an unnamed distribution"


class Observer:
    @hookimpl
    def fillbridge_handle_event(self, event):
        pass


def test_a_plugin_of_this_process_has_no_distribution():
    plugins = Plugins()

    plugins.register(Observer(), "mine")

    source = plugins.source("mine")
    assert (source.origin, source.module) == ("", f"{__name__}:Observer")
    assert str(source) == "plugin 'mine'"


def test_a_name_is_given_once():
    plugins = Plugins()
    plugins.register(Observer(), "mine")

    with pytest.raises(PluginError, match=r"plugin 'mine': the name is taken, by plugin 'mine'"):
        plugins.register(Observer(), "mine")


def test_a_plugin_is_registered_once():
    plugins = Plugins()
    plugin = Observer()
    plugins.register(plugin, "mine")

    with pytest.raises(PluginError, match=r"plugin 'again': .*already registered"):
        plugins.register(plugin, "again")
    assert plugins.names() == ("mine",)


def test_an_installed_plugin_does_not_replace_one_of_this_process(install):
    install("their-dist", {"mine": EMPTY})
    plugins = Plugins()
    plugins.register(Observer(), "mine")

    with pytest.raises(BrokenPlugins, match=r"'mine' from their-dist 1\.0: the name is taken"):
        plugins.load(only={"mine"})
