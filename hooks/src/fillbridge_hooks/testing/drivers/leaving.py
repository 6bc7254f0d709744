"""Clean-up: a session that ended is over, and holds on to nothing."""

import anyio

from fillbridge_hooks.errors import RetryableError
from fillbridge_hooks.reports import Accepted, NotSent
from fillbridge_hooks.terms import Side
from fillbridge_hooks.testing.drivers.conversation import Conversation
from fillbridge_hooks.testing.drivers.stage import FAR, Stage
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import Unmet, demand, demand_equal

GROUP = "clean-up"
_LOOK_AGAIN_S = 0.01


class _Defect(Exception):
    """Stands for any error of whoever uses a session."""


@TABLE.add(1110, GROUP)
async def leaving_leaves_orders_at_the_broker(stage: Stage) -> None:
    """Orders work on when the session is left, and positions are kept.

    If this fails, cancel nothing and flatten nothing when the context ends: the core does.
    """
    order = stage.limit(Side.BUY, -FAR)
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY)
        await stage.send(talk, order)
    async with stage.session() as talk:
        demand_equal("working_orders()", await talk.working(), {order.client_order_id})
        demand_equal("position", await talk.position(stage.symbol), 1)


@TABLE.add(1120, GROUP)
async def a_session_that_was_left_says_so(stage: Stage) -> None:
    """``receive`` raises ``RetryableError`` when the session was left; it does not wait or answer.

    If this fails, close the queue of reports when the context ends.
    """
    async with stage.session() as talk:
        pass
    await talk.lost()


@TABLE.add(1130, GROUP)
async def leaving_wakes_whoever_listens(stage: Stage) -> None:
    """A task that waits in ``receive`` while the session is left hears ``RetryableError``.

    If this fails, close the queue of reports when the context ends, so that its readers wake.
    """
    woken: list[str] = []

    async def listen(talk: Conversation) -> None:
        try:
            await talk.lost()
            woken.append("RetryableError")
        except Unmet as unmet:
            woken.append(str(unmet))

    async with anyio.create_task_group() as listeners, stage.session() as talk:
        listeners.start_soon(listen, talk)
        await anyio.wait_all_tasks_blocked()
    demand_equal("receive() of a session that was left", woken, ["RetryableError"])


@TABLE.add(1140, GROUP)
async def no_task_is_left(stage: Stage) -> None:
    """When a session was left, every task that it started has ended.

    If this fails, start tasks in a task group that is closed with the context, and let none of
    them run on by itself.
    """
    async with stage.session():
        pass  # what is started once, for all sessions, is there now
    before = {task.id for task in anyio.get_running_tasks()}
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY)
    left: list[str] = []
    with anyio.move_on_after(stage.rehearsal.patience_s):
        while left := [  # noqa: ASYNC110  # nobody tells of the end of a task
            task.name or "a task" for task in anyio.get_running_tasks() if task.id not in before
        ]:
            await anyio.sleep(_LOOK_AGAIN_S)
    demand_equal("tasks that are left", left, [])


@TABLE.add(1150, GROUP)
async def a_receive_that_is_given_up_loses_nothing(stage: Stage) -> None:
    """A ``receive`` that is cancelled takes no report with it: the next one hears it.

    If this fails, take a report from the queue and return it without waiting in between.
    """
    order = stage.limit(Side.BUY, -FAR)
    async with stage.session() as talk:

        async def listen() -> None:
            while True:
                await talk.hear()

        async with anyio.create_task_group() as listeners:
            listeners.start_soon(listen)
            await anyio.wait_all_tasks_blocked()
            await stage.submit(talk, order)
            listeners.cancel_scope.cancel()
        await talk.answer(order.client_order_id, Accepted)


@TABLE.add(1160, GROUP)
async def an_error_inside_comes_out_as_it_is(stage: Stage) -> None:
    """An exception that is raised inside the context comes out as itself, in no group.

    If this fails, take the error out of the task group's ``ExceptionGroup`` and raise it alone:
    whoever catches ``RetryableError`` does not look into groups.
    """
    try:
        async with stage.session():
            raise _Defect
    except _Defect:
        pass
    except BaseExceptionGroup as group:
        raise Unmet(f"an error inside: expected it as it is, was {group!r}") from None
    async with stage.session() as talk:
        await stage.settle(talk)


@TABLE.add(1170, GROUP)
async def a_session_that_is_cancelled_is_closed(stage: Stage) -> None:
    """Cancelling whoever uses a session ends it at once, and a new one can be made.

    If this fails, do not wait for the broker when the context ends by cancellation, or shield
    that wait and bound it.
    """
    with anyio.CancelScope() as scope:
        async with stage.session() as talk:
            scope.cancel()
            await talk.session.receive()
    await talk.lost()
    async with stage.session() as talk:
        await stage.settle(talk)


@TABLE.add(1180, GROUP)
async def nothing_is_sent_by_a_session_that_was_left(stage: Stage) -> None:
    """``submit`` after the session was left answers ``NotSent``, and nothing leaves.

    If this fails, check whether the connection is closed before anything is written.
    """
    order = stage.limit(Side.BUY, -FAR)
    async with stage.session() as talk:
        pass
    outcome = await stage.submit(talk, order)
    demand(isinstance(outcome, NotSent), f"submit(): expected NotSent, was {outcome!r}")
    async with stage.session() as talk:
        await stage.settle(talk)
        demand_equal("of the order", await talk.orders(order.client_order_id), [])


@TABLE.add(1190, GROUP)
async def nothing_is_answered_by_a_session_that_was_left(stage: Stage) -> None:
    """A query after the session was left raises ``RetryableError``.

    If this fails, raise instead of answering from what was kept.
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY)
    try:
        answer = await talk.session.positions()
    except RetryableError:
        return
    raise Unmet(f"positions() after leaving: expected RetryableError, was {answer!r}")
