"""From an implementation that takes some of a hook's arguments to a plain function of them all.

Done once, before anything runs: nothing of pluggy is left in a call.
"""

from collections.abc import Callable
from typing import Any

from fillbridge.plugins.sources import Source
from fillbridge_hooks import PluginError

AnyFunction = Callable[..., Any]


class Implementation(Source, frozen=True, kw_only=True):
    """One plugin's implementation of a hook."""

    hook: str
    function: AnyFunction
    """Takes all arguments of the hook, by position and in the hook's order."""

    def call(self, *arguments: Any) -> None:
        """Call the implementation of a hook at which plugins register something.

        :raises PluginError: if the plugin raises anything, naming it
        """
        try:
            self.function(*arguments)
        except PluginError:
            raise
        except Exception as error:
            raise self.error(f"{self.hook} raised {type(error).__name__}: {error}") from error


def adapt(function: AnyFunction, taken: tuple[str, ...], arguments: tuple[str, ...]) -> AnyFunction:
    """A function of all ``arguments``, by position, that passes on those that ``function`` takes.

    It is ``function`` itself where that takes them all in this order. A default of ``function``
    never stands in for a value of the caller.
    """
    if taken == arguments:
        return function
    match tuple(arguments.index(name) for name in taken):
        case ():
            return lambda *values: function()
        case (first,):
            return lambda *values: function(values[first])
        case (first, second):
            return lambda *values: function(values[first], values[second])
        case (first, second, third):
            return lambda *values: function(values[first], values[second], values[third])
        case positions:
            return lambda *values: function(*[values[position] for position in positions])
