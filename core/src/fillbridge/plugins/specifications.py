"""The hooks that there are, and the arguments of each."""

import inspect
from collections.abc import Mapping
from typing import Final

from fillbridge_hooks import PROJECT, specs

PREFIX: Final = f"{PROJECT}_"
"""What the name of every hook begins with."""

HOOK_ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(inspect.signature(specification).parameters)
    for name, specification in vars(specs).items()
    if name.startswith(PREFIX)
}
"""The names of each hook's arguments in their order, hooks in the order they are specified."""
