"""What plugins offer by name: one name, one plugin, and a sentence for a name nobody offers."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from fillbridge.plugins.sources import Source, source_fields
from fillbridge_hooks import ConfigurationError

T = TypeVar("T")


class Named(Source, Generic[T], frozen=True, kw_only=True):
    """Something that a plugin offers by name."""

    name: str
    value: T


class Catalogue(Generic[T]):
    """Everything of one kind that the plugins offer."""

    def __init__(self, kind: str, field: str) -> None:
        """Start empty.

        :param kind: what is offered, as a sentence calls it: ``slippage model``
        :param field: where the configuration names one
        """
        self.kind = kind
        self._field = field
        self._offers: dict[str, Named[T]] = {}

    def __iter__(self) -> Iterator[Named[T]]:
        """All offers, plugins in the order of their names, each in the order it made them."""
        return iter(sorted(self._offers.values(), key=lambda offer: offer.plugin))

    def add(self, name: object, value: T, source: Source) -> None:
        """Take an offer.

        :raises PluginError: if ``name`` is no name, or another offer has it; that one is named too
        """
        if not isinstance(name, str) or not name:
            raise source.error(f"name of a {self.kind}: expected a word, was {name!r}")
        first = self._offers.get(name)
        if first is not None:
            raise source.error(f"{self.kind} '{name}' is offered already, by {first}")
        self._offers[name] = Named(name=name, value=value, **source_fields(source))

    def find(self, name: str) -> Named[T]:
        """The offer of that name, and who made it.

        :raises ConfigurationError: if there is none; the sentence lists what is installed
        """
        offer = self._offers.get(name)
        if offer is None:
            names = ", ".join(map(repr, sorted(self._offers)))
            expected = f"one of {names} (installed)" if names else f"a {self.kind}, none installed"
            raise ConfigurationError(f"{self._field}: expected {expected}, was {name!r}")
        return offer
