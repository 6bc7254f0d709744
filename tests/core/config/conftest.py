"""The sections of the installed plugins, and files to load."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fillbridge.plugins import DeclaredSection, Plugins


@pytest.fixture(scope="session")
def sections() -> tuple[DeclaredSection, ...]:
    plugins = Plugins()
    plugins.load()
    return plugins.settings_sections()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(content: str | bytes, name: str = "config.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file
