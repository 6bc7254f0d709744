"""The conformance kit of drivers, as a class for pytest."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from fillbridge_hooks.rehearsal import Rehearsal
from fillbridge_hooks.testing.certificate import DriverRequirement, examine
from fillbridge_hooks.testing.drivers import DRIVER_REQUIREMENTS
from fillbridge_hooks.testing.requirements import NotApplicable
from fillbridge_hooks.testing.suites import Conformance, tests_for


def _test(
    requirement: DriverRequirement,
) -> Callable[["DriverConformance"], Awaitable[None]]:
    @pytest.mark.anyio
    async def test(self: "DriverConformance") -> None:
        try:
            await examine(requirement, self.rehearse)
        except NotApplicable as skipped:
            pytest.skip(str(skipped))

    return test


@tests_for(DRIVER_REQUIREMENTS, _test)
class DriverConformance(Conformance):
    """Everything that is demanded of a driver, on asyncio and on trio.

    Subclass it, name the class ``Test...``, and write :meth:`rehearse`; no more is asked. What
    is skipped follows from ``driver.capabilities`` alone. Later versions of the kit may demand
    more, so a driver that passes today may fail them.
    """

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> str:
        """The event loop: each test runs on both."""
        return str(request.param)

    def rehearse(self) -> AbstractAsyncContextManager[Rehearsal]:
        """Start a broker with an empty account, for one test; leaving the context ends it.

        Write it with ``contextlib.asynccontextmanager`` and yield a ``Rehearsal``: the driver,
        the ``ConnectionTerms`` to connect it with, ``drive`` to move the market, and, where the
        link can be broken, ``cut``.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected rehearse(), was left out")
