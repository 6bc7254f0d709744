"""What the kits share on the side of pytest: a test for each requirement, none to be lost."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

import pytest

from fillbridge_hooks.testing.requirements import Requirement

T = TypeVar("T", bound="Conformance")

_GUARD = "test_every_requirement_stands"


class Conformance:
    """Base of the kits: subclass one of those, not this.

    A test that was overridden or deleted without ``@pytest.mark.xfail(reason="...")`` fails
    :meth:`test_every_requirement_stands`.
    """

    requirements: ClassVar[dict[str, Callable[..., Any]]] = {}
    """The tests by name, as the kit has them."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep the guard.

        :raises TypeError: if a subclass replaces it
        """
        super().__init_subclass__(**kwargs)
        if _GUARD in vars(cls):
            raise TypeError(f"{cls.__name__}.{_GUARD}: expected the kit's own, was overridden")

    def test_every_requirement_stands(self) -> None:
        """No test is overridden or deleted but by an xfail with a reason.

        If this fails, take the override away, or mark it with
        ``@pytest.mark.xfail(reason="...")``: then everyone sees what is not met, and why.
        """
        changed = [
            f"{type(self).__name__}.{name}"
            for name, function in self.requirements.items()
            if not _stands(getattr(type(self), name, None), function)
        ]
        if changed:
            pytest.fail(f"overridden without xfail and reason: {', '.join(changed)}")


def tests_for(
    requirements: Iterable[Requirement[Any]],
    make: Callable[[Requirement[Any]], Callable[..., Any]],
) -> Callable[[type[T]], type[T]]:
    """Give a kit a test method for each requirement, named by its id.

    :param make: the function of a test method from its requirement
    """

    def give(kit: type[T]) -> type[T]:
        tests: dict[str, Callable[..., Any]] = {}
        for requirement in requirements:
            name = f"test_{requirement.id.replace('-', '_')}_{requirement.name}"
            function = make(requirement)
            function.__name__ = name
            function.__qualname__ = f"{kit.__qualname__}.{name}"
            function.__module__ = kit.__module__
            function.__doc__ = f"{requirement.id}: {requirement.text}"
            setattr(kit, name, function)
            tests[name] = function
        kit.requirements = tests
        return kit

    return give


def _stands(found: object, expected: Callable[..., Any]) -> bool:
    if found is expected:
        return True
    marks = getattr(found, "pytestmark", [])
    return inspect.isroutine(found) and any(
        mark.name == "xfail" and bool(mark.kwargs.get("reason")) for mark in marks
    )
