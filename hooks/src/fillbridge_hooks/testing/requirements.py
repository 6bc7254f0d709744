"""What a kit demands: requirements with ids, in a table that is run with pytest or without."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

F = TypeVar("F", bound=Callable[..., Any])

PROMISE = "If this fails, "
"""How the part of a docstring begins that says what to do."""


class Unmet(AssertionError):
    """What was tested does not keep to a requirement; the message says in what."""


class NotApplicable(Exception):
    """What was tested does not promise what the requirement is about."""


class Requirement(msgspec.Struct, Generic[F], frozen=True, kw_only=True):
    """One demand, with the function that raises :class:`Unmet` where it is not met."""

    id: str
    """Stable; numbers have gaps, so that none ever changes."""
    group: str
    needs: tuple[str, ...]
    """The capabilities without which it asks for nothing; empty for the core set."""
    function: F

    @property
    def name(self) -> str:
        """A sentence in snake case."""
        return self.function.__name__

    @property
    def text(self) -> str:
        """What it demands, and what to do if it fails."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def demand(self) -> str:
        """What it demands, on one line."""
        return " ".join(self.text.partition(PROMISE)[0].split())

    def check_applies(self, capabilities: object) -> None:
        """Say whether these capabilities hold what it needs.

        :raises NotApplicable: naming the first that is missing
        """
        for name in self.needs:
            if not getattr(capabilities, name, False):
                raise NotApplicable(f"{name} is not declared")


class Requirements(Generic[F]):
    """A table of requirements, in the order of their ids."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._table: dict[int, Requirement[F]] = {}

    def __iter__(self) -> Iterator[Requirement[F]]:
        return (self._table[number] for number in sorted(self._table))

    def add(self, number: int, group: str, *needs: str) -> Callable[[F], F]:
        """Enter the decorated function under this number.

        :raises ValueError: if the number is taken, or the docstring does not say what to do
        """

        def enter(function: F) -> F:
            requirement = Requirement(
                id=f"{self._prefix}-{number:03}", group=group, needs=needs, function=function
            )
            if number in self._table:
                raise ValueError(f"{requirement.id}: expected a free id, was taken already")
            if PROMISE not in requirement.text:
                raise ValueError(f"{requirement.id}: expected a docstring with {PROMISE!r}")
            self._table[number] = requirement
            return function

        return enter


def demand(met: object, sentence: str) -> None:
    """Go on if ``met`` is true.

    :raises Unmet: with the sentence otherwise
    """
    if not met:
        raise Unmet(sentence)


def demand_equal(what: str, was: object, expected: object) -> None:
    """Go on if both are equal.

    :raises Unmet: naming both otherwise
    """
    if was != expected:
        raise Unmet(f"{what}: expected {expected!r}, was {was!r}")
