import sys
from textwrap import dedent

import pytest


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution of one module: ``install("their-costs", {"half": source})``.

    Plugins of the names that are given, all of one module per plugin, as a wheel would leave them.
    """
    modules = []

    def install(distribution, plugins, version="1.0"):
        folder = tmp_path / distribution
        metadata = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        entries = ["[fillbridge]"]
        for name, source in plugins.items():
            module = f"{distribution.replace('-', '_')}_{name}"
            (folder / f"{module}.py").write_text(dedent(source))
            entries.append(f"{name} = {module}")
            modules.append(module)
        (metadata / "entry_points.txt").write_text("\n".join(entries) + "\n")
        monkeypatch.syspath_prepend(folder)

    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def strangers_model():
    """The whole file of a stranger's cost model."""
    return """
        from fillbridge_hooks import hookimpl

        @hookimpl
        def fillbridge_slippage(order, market):
            return 0.25
    """
