"""How the kits call a model: as the core does, with the arguments that it takes."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from fillbridge_hooks.testing.requirements import Unmet, demand


def taking(function: Callable[..., Any], *names: str) -> Callable[..., Any]:
    """A function of all arguments, by position, that passes on those ``function`` takes.

    :param names: of the arguments of the hook; a function with other names takes them all
    """
    taken = list(inspect.signature(function).parameters)
    if not set(taken) <= set(names):
        return function
    places = [names.index(name) for name in taken]
    return lambda *values: function(*[values[place] for place in places])


def expect_pure(what: str, function: Callable[..., Any], cases: Iterable[tuple[Any, ...]]) -> None:
    """Ask in one order, then in the other, and compare; an error is an answer too.

    :raises Unmet: naming the arguments that were answered differently
    """
    listed = list(cases)
    first = [_answer(function, case) for case in listed]
    second = [_answer(function, case) for case in reversed(listed)][::-1]
    for case, one, other in zip(listed, first, second, strict=True):
        demand(one == other, f"{what}: expected {one} once more, was {other}, for {case}")


def expect_untouched(
    what: str, function: Callable[..., Any], cases: Iterable[tuple[Any, ...]]
) -> None:
    """Ask, and compare the arguments with what they were.

    :raises Unmet: naming the arguments that were changed
    """
    for case in cases:
        before = msgspec.json.encode(case)
        _answer(function, case)
        if msgspec.json.encode(case) != before:
            raise Unmet(f"{what}: expected its arguments as they were, was {case}")


def _answer(function: Callable[..., Any], case: tuple[Any, ...]) -> str:
    try:
        return repr(function(*case))
    except Exception as error:  # noqa: BLE001  # others judge whether it may raise
        return f"{type(error).__name__}: {error}"
