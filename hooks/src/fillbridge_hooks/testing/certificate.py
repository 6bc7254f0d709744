"""The certificate of a driver: every requirement, and whether the driver meets it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal

import msgspec

from fillbridge_hooks.capabilities import Capabilities
from fillbridge_hooks.rehearsal import Rehearsal
from fillbridge_hooks.testing.drivers import DRIVER_REQUIREMENTS, Stage
from fillbridge_hooks.testing.requirements import NotApplicable, Requirement, Unmet

OpenRehearsal = Callable[[], AbstractAsyncContextManager[Rehearsal]]
"""Starts a broker of its own for one test."""

DriverRequirement = Requirement[Callable[[Stage], Awaitable[None]]]
"""A requirement on a driver."""


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """One requirement, and how the driver did."""

    id: str
    group: str
    demand: str
    """What is demanded, on one line."""
    outcome: Literal["passed", "failed", "skipped"]
    reason: str = ""
    """Why it failed or was skipped."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver was found to do."""

    driver: str
    capabilities: Capabilities
    """As the driver declares them."""
    passed: int
    failed: int
    skipped: int
    tests: tuple[Examined, ...]


async def examine(requirement: DriverRequirement, rehearse: OpenRehearsal) -> None:
    """Hold one driver to one requirement, with a broker of its own.

    :raises Unmet: if the driver does not meet it
    :raises NotApplicable: if the driver does not declare what it needs
    """
    try:
        async with rehearse() as rehearsal:
            requirement.check_applies(rehearsal.driver.capabilities)
            await requirement.function(Stage(rehearsal, requirement.id))
    except BaseExceptionGroup as group:
        alone = _alone(group)
        if alone is group:
            raise
        raise alone from group


async def examine_all(rehearse: OpenRehearsal) -> AsyncIterator[Examined]:
    """Hold one driver to every requirement, one after the other."""
    for requirement in DRIVER_REQUIREMENTS:
        outcome: Literal["passed", "failed", "skipped"] = "passed"
        reason = ""
        try:
            await examine(requirement, rehearse)
        except NotApplicable as skipped:
            outcome, reason = "skipped", str(skipped)
        except Unmet as unmet:
            outcome, reason = "failed", str(unmet)
        except Exception as error:  # noqa: BLE001  # whatever a driver raises, the next one is held
            outcome, reason = "failed", f"{type(error).__name__}: {error}"
        yield Examined(
            id=requirement.id,
            group=requirement.group,
            demand=requirement.demand,
            outcome=outcome,
            reason=reason,
        )


async def certify(name: str, rehearse: OpenRehearsal) -> Certificate:
    """Examine a driver in full.

    :param name: the driver's name, as the certificate shall state it
    :param rehearse: called for each requirement, and once to read what the driver declares
    """
    async with rehearse() as rehearsal:
        capabilities = rehearsal.driver.capabilities
    tests = tuple([examined async for examined in examine_all(rehearse)])
    outcomes = [examined.outcome for examined in tests]
    return Certificate(
        driver=name,
        capabilities=capabilities,
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        skipped=outcomes.count("skipped"),
        tests=tests,
    )


def _alone(error: BaseException) -> BaseException:
    """The error inside groups of one; of several, a requirement that was not met."""
    while isinstance(error, BaseExceptionGroup):
        inner = [one for one in error.exceptions if isinstance(one, Unmet)] or error.exceptions
        if len(inner) > 1 and not isinstance(inner[0], Unmet):
            break
        error = inner[0]
    return error
