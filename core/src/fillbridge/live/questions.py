"""One round of questions to the broker, within a time."""

from collections.abc import Callable

import anyio

from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge_hooks import BrokerOrder, LiveClock, RetryableError, Session

NeedsToday = Callable[[tuple[BrokerOrder, ...]], bool]
"""Whether the orders that work leave something open that those of the trade date may answer."""


async def ask(
    session: Session,
    clock: LiveClock,
    fills_since_ns: int,
    seconds: float,
    needs_today: NeedsToday = lambda working: True,
) -> BrokerSnapshot:
    """How things stand.

    :param needs_today: the orders of a trade date are many, so they are asked for only if this
        says so of those that work
    :raises RetryableError: if one of the answers is not clean, or all take longer than ``seconds``
    :raises FatalError: if the session is over for good
    :raises Exception: whatever else the session raised, as it is
    """
    found: list[BrokerSnapshot] = []
    failed: list[Exception] = []

    async def put_questions() -> None:
        asked_ns = clock.now_ns
        try:
            working = await session.working_orders()
            # Fills last: an order's fills are known at the latest when its end is.
            found.append(
                BrokerSnapshot(
                    asked_ns=asked_ns,
                    fills_since_ns=fills_since_ns,
                    working=working,
                    today=await session.orders_today() if needs_today(working) else (),
                    positions=await session.positions(),
                    fills=await session.fills(fills_since_ns),
                )
            )
        except Exception as error:  # noqa: BLE001  # it is raised again below
            failed.append(error)
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(put_questions)
        await clock.sleep_until(clock.now_ns + round(seconds * 1e9))
        group.cancel_scope.cancel()
    if failed:
        raise failed[0]
    if not found:
        raise RetryableError(f"no answer within {seconds} s")
    return found[0]
