"""A context without a state of its own, which any number may be within at once."""

from collections.abc import Callable
from types import TracebackType


class Leaving:
    """Calls a function whenever it is left; made once, it costs less than a generator each time.

    :param leave: takes the error that leaves with it, or ``None``; ``True`` lets it end here
    """

    __slots__ = ("_leave",)

    def __init__(self, leave: Callable[[BaseException | None], bool | None]) -> None:
        self._leave = leave

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return self._leave(error)
