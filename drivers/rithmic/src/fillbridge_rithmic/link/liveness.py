"""Signs of life: given to the server in time, and missed when it gives none."""

from collections.abc import Callable
from typing import Final

import anyio

from fillbridge_rithmic.link.websocket import LinkClosed, LinkLost, WebSocket
from fillbridge_rithmic.wire.messages import encode, make

HEARTBEAT: Final = 18
_USUAL_S: Final = 30.0
_SHORTEST_S: Final = 0.02
_QUIET_S: Final = 2.25
"""After so long a silence the server is asked for a sign of life, and has as long to give it: what
is dead is noticed within 5 s."""
_LATE_WAKES: Final = 3


def heartbeat_interval(server_s: float, own_s: float) -> float:
    """Time between two heartbeats: half of what the server wants, at most what is configured."""
    if not 0 < server_s < float("inf"):
        server_s = _USUAL_S
    return max(min(server_s / 2, own_s), _SHORTEST_S)


def heartbeat(now_ns: int) -> bytes:
    """The message, with the time."""
    seconds, rest = divmod(now_ns, 1_000_000_000)
    return encode(make(HEARTBEAT, ssboe=seconds, usecs=rest // 1000))


class Liveness:
    """Keeps one connection alive and watches that the other side does."""

    def __init__(self, websocket: WebSocket, interval_s: float, now_ns: Callable[[], int]) -> None:
        self._websocket = websocket
        self._interval_s = interval_s
        self._quiet_s = min(interval_s, _QUIET_S)
        self._now_ns = now_ns

    async def run(self) -> str:
        """Go on until the other side is silent for too long; says why it counts as dead."""
        link = self._websocket
        next_beat = anyio.current_time() + self._interval_s
        while True:
            now = anyio.current_time()
            wake = min(next_beat, link.heard_at + self._quiet_s)
            if wake > now:
                await anyio.sleep(wake - now)
                continue
            is_beat = now >= next_beat
            if is_beat:
                next_beat = now + self._interval_s
            try:
                # Where nothing can be written any more, this must not wait for ever.
                with anyio.move_on_after(self._quiet_s):
                    await (link.send(heartbeat(self._now_ns())) if is_beat else link.ping())
            except (LinkClosed, LinkLost) as error:
                return str(error)
            if not await self._is_answered(now):
                return f"no sign of life within {self._quiet_s:g} s of asking for one"

    async def _is_answered(self, asked_at: float) -> bool:
        due = asked_at + self._quiet_s
        for _ in range(_LATE_WAKES):
            await anyio.sleep(max(due - anyio.current_time(), 0))
            if self._websocket.heard_at > asked_at:
                return True
            if anyio.current_time() - due < self._quiet_s / 2:
                break
            # This process was held up, not the server: what has arrived is yet to be read.
            due = anyio.current_time() + self._quiet_s
        return False
