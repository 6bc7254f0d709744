"""The hook specifications as text, locked in ``docs/hooks.txt``.

After a deliberate change: ``uv run python tests/hooks/test_specs_locked.py --write``.
"""

import inspect
import re
import sys
from pathlib import Path

import pluggy

from fillbridge_hooks import PROJECT, specs

LOCK = Path(__file__).parents[2] / "docs" / "hooks.txt"
COMMAND = "uv run python tests/hooks/test_specs_locked.py --write"
HEADER = f"""\
The hooks of Fillbridge. Plugins rely on them: a change here is a change of the public interface.
Written by: {COMMAND}
"""
MODULE = re.compile(r"\bfillbridge_hooks\.\w+\.")


def render():
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    names = [name for name in vars(specs) if name in vars(manager.hook)]
    return "\n".join([HEADER, *(render_hook(getattr(manager.hook, name).spec) for name in names)])


def render_hook(spec):
    signature = inspect.signature(spec.function)
    lines = [f"{spec.name}{'  (first result)' if spec.opts['firstresult'] else ''}"]
    lines += [f"    {parameter}" for parameter in signature.parameters.values()]
    lines.append(f"    -> {inspect.formatannotation(signature.return_annotation)}")
    return MODULE.sub("", "\n".join(lines)) + "\n"


def test_the_hooks_are_those_that_are_locked():
    assert LOCK.read_text(encoding="utf-8") == render(), (
        f"hooks changed: if that is meant, write {LOCK.name} again with `{COMMAND}`"
    )


def test_every_hook_has_the_prefix_and_says_since_when():
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)

    for name, caller in vars(manager.hook).items():
        assert name.startswith(f"{PROJECT}_")
        assert ".. versionadded::" in inspect.getdoc(caller.spec.function)
        for argument in caller.spec.argnames:
            assert f":param {argument}:" in inspect.getdoc(caller.spec.function)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        LOCK.write_text(render(), encoding="utf-8")
    else:
        sys.exit(f"usage: {COMMAND}")
