"""The bus that brings proposals: each at least once, until it was acknowledged."""

from collections.abc import Container
from typing import TYPE_CHECKING

from world.points import Killed
from world.process import Process
from world.timeline import SECOND
from world.violations import Violated

from fillbridge_hooks import RiskProposal

if TYPE_CHECKING:
    from world.world import World


_REFUSED = "refused"


class Bus:
    """Delivers, and delivers again what a process did not live to acknowledge."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._waiting: list[RiskProposal] = []
        self._answers: dict[str | None, str] = {}

    def deliver(self, proposal: RiskProposal) -> None:
        """Deliver a proposal, now or after the next start."""
        self._waiting.append(proposal)
        process = self._world.process
        if process is not None:
            process.run(self._hand_over, process, proposal)

    def deliver_again(self) -> None:
        """A process began: what nobody acknowledged is delivered again."""
        waiting, self._waiting = self._waiting, []
        for proposal in waiting:
            wait = int(self._world.random.random() * 2 * SECOND)
            self._world.timeline.after(wait, self.deliver, proposal)

    def forget_unrecorded(self, trade_ids: Container[str]) -> None:
        """What was answered while nothing could be recorded may be answered otherwise again."""
        self._answers = {
            proposal_id: answer
            for proposal_id, answer in self._answers.items()
            if answer in trade_ids
        }

    def _hand_over(self, process: Process, proposal: RiskProposal) -> None:
        world = self._world
        if world.passing("propose") == "kill":
            raise Killed
        answer = process.propose(proposal)
        world.tell(f"bus: {proposal.proposal_id} -> {answer}")
        self._compare(proposal, answer)
        if world.passing("proposed") == "kill":
            raise Killed
        if proposal in self._waiting:
            self._waiting.remove(proposal)

    def _compare(self, proposal: RiskProposal, answer: str) -> None:
        """A proposal that comes again is answered as it was the first time."""
        first = self._answers.setdefault(proposal.proposal_id, answer)
        if first != answer and not (first.startswith(_REFUSED) and answer.startswith(_REFUSED)):
            raise Violated(f"I2: {proposal.proposal_id} was answered {first!r}, then {answer!r}")
