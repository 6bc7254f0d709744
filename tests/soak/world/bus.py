"""The bus that brings proposals: each at least once, until it was acknowledged."""

from typing import TYPE_CHECKING

from world.points import Killed
from world.process import Process
from world.timeline import SECOND

from fillbridge_hooks import RiskProposal

if TYPE_CHECKING:
    from world.world import World


class Bus:
    """Delivers, and delivers again what a process did not live to acknowledge."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._waiting: list[RiskProposal] = []

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

    def _hand_over(self, process: Process, proposal: RiskProposal) -> None:
        world = self._world
        if world.passing("propose") == "kill":
            raise Killed
        answer = process.propose(proposal)
        world.tell(f"bus: {proposal.proposal_id} -> {answer}")
        if world.passing("proposed") == "kill":
            raise Killed
        if proposal in self._waiting:
            self._waiting.remove(proposal)
