"""Cost models as plugins: ours as installed, and one that a stranger wrote in a file."""

import importlib.metadata
import importlib.util

import pluggy
import pytest

from fillbridge_hooks import PROJECT, specs

QUARTER = """\
from fillbridge_hooks import hookimpl


@hookimpl
def fillbridge_slippage(order, market):
    return 0.25
"""

BY_SIZE = """\
from fillbridge_hooks import hookimpl


@hookimpl
def fillbridge_slippage(order):
    return 0.05 * order.quantity


@hookimpl
def fillbridge_commission(fill):
    return 0.5 * fill.quantity
"""


@pytest.fixture
def manager():
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    return manager


@pytest.fixture
def module_of(tmp_path):
    def load(source):
        path = tmp_path / "strangers_model.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location("strangers_model", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_a_model_of_one_function_satisfies_the_hook(manager, module_of, make_order, make_market):
    manager.register(module_of(QUARTER), "quarter")
    manager.check_pending()
    answers = manager.hook.fillbridge_slippage(order=make_order(3), market=make_market(None))
    assert answers == [0.25]


def test_a_model_takes_only_the_arguments_it_needs(
    manager, module_of, make_order, make_market, make_fills
):
    manager.register(module_of(BY_SIZE), "by_size")
    manager.check_pending()
    order, (fill,) = make_order(3), make_fills([3])
    assert manager.hook.fillbridge_slippage(order=order, market=make_market(None)) == [
        pytest.approx(0.15)
    ]
    assert manager.hook.fillbridge_commission(fill=fill, instrument=order.instrument) == [1.5]


@pytest.mark.parametrize("name", ["slippage", "commission"])
def test_installed_plugins_satisfy_the_hooks(manager, host, name):
    (entry_point,) = importlib.metadata.entry_points(group=PROJECT, name=name)
    manager.register(entry_point.load(), name)
    manager.check_pending()
    manager.hook.fillbridge_register_settings(register=host.settings)
    (struct,) = host.sections.values()
    manager.hook.fillbridge_configure(settings=struct(), register=host)
    assert struct().type in host.slippage_models | host.commission_models
