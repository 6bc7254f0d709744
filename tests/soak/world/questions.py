"""The broker's answers to questions: clean, wrong, late or none."""

from typing import TYPE_CHECKING, Any

from world.answers import fills_since, held, orders_today, working_orders
from world.process import Process
from world.timeline import MILLISECOND

from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge_hooks import BrokerOrder

if TYPE_CHECKING:
    from world.world import World

_WRONG = ("empty", "stale")


class Questions:
    """Answers one round after the other; never two wrong ones in a row."""

    def __init__(self, world: "World") -> None:
        self.clean_answers = 0
        """Rounds that were answered in this session."""
        self._world = world
        self._earlier: tuple[Any, ...] | None = None
        self._was_wrong = False
        self._is_slow = world.random.random() < 0.3

    def ask(self, asked_ns: int, since_ns: int) -> None:
        """Answer a round of questions, or not."""
        world, broker = self._world, self._world.broker
        fault = world.passing("answers")
        if fault in _WRONG and (self._was_wrong or (fault == "stale" and self._earlier is None)):
            fault = ""
        self._was_wrong = fault in _WRONG
        if fault == "hang":
            return
        if fault == "empty":
            self._answer(asked_ns, since_ns, ((), (), (), ()), fault)
        elif fault == "stale" and self._earlier is not None:
            self._answer(asked_ns, since_ns, self._earlier, fault)
        else:
            questions = [
                lambda *_: working_orders(broker),
                lambda working: orders_today(broker) if self._needs_today(working) else (),
                lambda *_: held(broker),
                lambda *_: fills_since(broker, since_ns),
            ]
            self._ask_on(asked_ns, since_ns, questions, (), fault)

    def _needs_today(self, working: tuple[BrokerOrder, ...]) -> bool:
        process = self._world.process
        return process is None or process.trading.needs_today(working)

    def _ask_on(
        self,
        asked_ns: int,
        since_ns: int,
        questions: list[Any],
        answers: tuple[Any, ...],
        fault: str,
    ) -> None:
        world = self._world
        while questions:
            answers = (*answers, questions.pop(0)(*answers))
            if self._is_slow:
                wait = int(world.random.random() * 80 * MILLISECOND)
                rest = (asked_ns, since_ns, questions, answers, fault)
                world.timeline.after(wait, self._ask_on, *rest)
                return
        if not fault:
            self._earlier = answers
        self._answer(asked_ns, since_ns, answers, fault)

    def _answer(self, asked_ns: int, since_ns: int, answers: tuple[Any, ...], fault: str) -> None:
        world, process = self._world, self._world.process
        if process is None:
            return
        if fault == "error":
            world.link.to_process(process.run, process.failed_answer, "an error instead")
            return
        working, today, positions, fills = answers
        snapshot = BrokerSnapshot(
            asked_ns=asked_ns,
            fills_since_ns=since_ns,
            working=working,
            today=today,
            positions=positions,
            fills=fills,
        )
        world.link.to_process(self._answered, process, snapshot)

    def _answered(self, process: Process, snapshot: BrokerSnapshot) -> None:
        self.clean_answers += 1
        process.run(process.answered, snapshot)
