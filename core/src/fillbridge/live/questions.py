"""One round of questions to the broker, within a time."""

import anyio

from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge_hooks import LiveClock, RetryableError, Session


async def ask(
    session: Session, clock: LiveClock, fills_since_ns: int, seconds: float
) -> BrokerSnapshot:
    """How things stand.

    :raises RetryableError: if one of the answers is not clean, or all take longer than ``seconds``
    :raises FatalError: if the session is over for good
    :raises Exception: whatever else the session raised, as it is
    """
    found: list[BrokerSnapshot] = []
    failed: list[Exception] = []

    async def put_questions() -> None:
        asked_ns = clock.now_ns
        try:
            # Fills last: an order's fills are known at the latest when its end is.
            found.append(
                BrokerSnapshot(
                    asked_ns=asked_ns,
                    fills_since_ns=fills_since_ns,
                    working=await session.working_orders(),
                    today=await session.orders_today(),
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
