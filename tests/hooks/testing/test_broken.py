"""Each broken driver fails the requirement that is there to catch it."""

from contextlib import asynccontextmanager
from functools import cache

import anyio
import pytest
from tests.hooks.testing.broken import CAUGHT_BY
from tests.hooks.testing.broken_sessions import LeaksATask
from tests.hooks.testing.honest import rehearse
from trio.testing import MockClock

from fillbridge_hooks.testing import DRIVER_REQUIREMENTS, certify


@asynccontextmanager
async def rehearsing(broken):
    async with anyio.create_task_group() as tasks, rehearse(broken) as rehearsal:
        if broken is LeaksATask:
            rehearsal.driver.tasks = tasks
        yield rehearsal
        tasks.cancel_scope.cancel()


@cache
def failures_of(broken):
    """What the driver fails, by id; waiting costs no time, for the clock jumps."""

    async def run():
        return await certify("broken", lambda: rehearsing(broken))

    options = {"clock": MockClock(autojump_threshold=0)}
    certificate = anyio.run(run, backend="trio", backend_options=options)
    return {test.id: test.reason for test in certificate.tests if test.outcome == "failed"}


@pytest.mark.parametrize("broken", CAUGHT_BY, ids=lambda broken: broken.__name__)
def test_a_broken_driver_is_caught_by_the_requirement_that_is_there_for_it(broken):
    failed = failures_of(broken)

    assert CAUGHT_BY[broken] in failed
    assert all(failed.values()), "a failure that gives no reason"


def test_there_are_many_ways_to_be_broken_and_each_says_which():
    assert len(CAUGHT_BY) >= 15
    assert all(broken.__doc__ for broken in CAUGHT_BY)


def test_no_requirement_is_met_by_every_broken_driver():
    caught = {requirement for broken in CAUGHT_BY for requirement in failures_of(broken)}

    assert [one.id for one in DRIVER_REQUIREMENTS if one.id not in caught] == []
