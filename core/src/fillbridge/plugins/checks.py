"""What an implementation must be, so that a mistake shows when the program starts."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from fillbridge.plugins.specifications import HOOK_ARGUMENTS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    import pluggy

    from fillbridge.plugins.sources import Source

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_NO_WRAPPERS = "hooks are called as plain functions, which nothing wraps"
_NO_ORDER = "plugins are called in the order of their names"
_REFUSED_OPTIONS = {
    "wrapper": _NO_WRAPPERS,
    "hookwrapper": _NO_WRAPPERS,
    "tryfirst": _NO_ORDER,
    "trylast": _NO_ORDER,
}


def check_plugin(plugin: object, source: Source, manager: pluggy.PluginManager) -> None:
    """Check every hook implementation of a plugin, which is a module, a class or an instance.

    :param source: named in the error
    :param manager: recognises what ``@hookimpl`` marked
    :raises PluginError: if one is not a function that can be called with the hook's arguments, is
        unknown, wraps others, asks for a place in the order, or has no ``@hookimpl``
    """
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None:
            if name.startswith(PREFIX) and _looks_like_a_hook(plugin, name):
                raise source.error(
                    f"{name}: expected a plain function with @hookimpl (forgot @hookimpl?)"
                )
            continue
        hook = options["specname"] or name
        if hook not in HOOK_ARGUMENTS:
            if options["optionalhook"]:
                continue
            raise source.error(f"{name}: there is no hook '{hook}'{_suggestion(hook)}")
        for option, reason in _REFUSED_OPTIONS.items():
            if options.get(option):
                raise source.error(f"{name}: {option} is not supported: {reason}")
        arguments_taken(getattr(plugin, name), HOOK_ARGUMENTS[hook], source, name)


def arguments_taken(
    function: object, arguments: tuple[str, ...], source: Source, label: str
) -> tuple[str, ...]:
    """The names of the arguments that a function takes, a subset of ``arguments`` in any order.

    :param label: what the error calls the function
    :raises PluginError: if the function does not answer at once, or cannot be called with these
        arguments by position
    """
    if not callable(function):
        raise source.error(f"{label}: expected a function, was {function!r}")
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        raise source.error(f"{label}: expected a function whose arguments can be read") from None
    found = (_objection_to_argument(parameter, arguments) for parameter in parameters.values())
    objection = _objection_to_waiting(function) or next(filter(None, found), "")
    if objection:
        raise source.error(f"{label}: {objection}")
    return tuple(parameters)


def _objection_to_waiting(function: Callable[..., Any]) -> str:
    """Refuse what answers with an object that nobody would await or iterate."""
    for form in (function, inspect.unwrap(function), type(function).__call__):
        if inspect.iscoroutinefunction(form) or inspect.isasyncgenfunction(form):
            return "async def is not supported: hooks are synchronous"
        if inspect.isgeneratorfunction(form):
            return "yield is not supported: hooks return their answer"
    return ""


def _objection_to_argument(parameter: inspect.Parameter, arguments: tuple[str, ...]) -> str:
    if parameter.kind in _VARIADIC:
        return f"'{parameter}' would stay empty; name the arguments that are needed"
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
        return f"'{parameter.name}' is keyword-only; arguments come by position"
    if parameter.name in arguments:
        return ""
    if parameter.name == "self":
        return "takes self; register an instance of the class, or make it a static method"
    return f"there is no argument '{parameter.name}'; expected any of {', '.join(arguments)}"


def _looks_like_a_hook(plugin: object, name: str) -> bool:
    """Whether it is more than data or an imported module, such as ``fillbridge_hooks``."""
    value = inspect.getattr_static(plugin, name)
    return callable(value) or hasattr(value, "__get__")


def _suggestion(hook: str) -> str:
    from difflib import get_close_matches  # for this message only

    nearest = get_close_matches(PREFIX + hook.removeprefix(PREFIX), HOOK_ARGUMENTS, n=1)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""
