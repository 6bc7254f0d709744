"""Answers requests on behalf of a running handler."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge.handlers.api import ExecutionHandlerAPI
from fillbridge.live.intake import Source
from fillbridge.management.messages import (
    Alive,
    Answer,
    AnswerKind,
    ApproveHold,
    Arm,
    CancelAll,
    CloseAll,
    Flatten,
    Halt,
    Kill,
    ListHolds,
    ListOrders,
    ListPositions,
    ListTrades,
    Propose,
    RejectHold,
    RequestError,
    Resume,
    SetLimit,
    ShowArming,
    ShowLimitChange,
    ShowMetrics,
    ShowSuspended,
    decode_request,
    encode_line,
)
from fillbridge.operators import ApprovalRefused, NotApproved
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    FillbridgeError,
    InvalidValue,
    KillLevel,
    OrderRefused,
    ProposalHeld,
)

if TYPE_CHECKING:
    from fillbridge.handlers.live import LiveExecutionHandler
    from fillbridge.metrics import ExecutionMetrics

_logger = logging.getLogger(__name__)


class Management:
    """Carries out what is asked of a handler, one request at a time and each answered."""

    def __init__(self, handler: LiveExecutionHandler) -> None:
        self._handler = handler
        self._api = ExecutionHandlerAPI(handler)

    async def answer_line(self, line: bytes) -> bytes:
        """The line that answers a line, whatever that is; nothing is raised."""
        try:
            answer = await self.answer(decode_request(line))
        except RequestError as error:
            answer = Answer(kind=AnswerKind.INVALID, error=str(error))
        try:
            return encode_line(answer)
        except Exception:
            _logger.exception("the answer to a request cannot be written")
            return encode_line(_UNEXPECTED)

    async def answer(self, request: Any) -> Answer:
        """What becomes of a request; no secret that its text held is recorded or answered."""
        redact = self._handler.redactor
        return redact.texts(await self._answer(redact.texts(request)))

    async def _answer(self, request: Any) -> Answer:
        try:
            return await self._carry_out(request)
        except InvalidValue as error:
            return Answer(kind=AnswerKind.INVALID, error=str(error))
        except ProposalHeld as error:
            waits = {"hold_id": error.hold_id, "expires_ns": error.expires_ns}
            return Answer(kind=AnswerKind.HELD, result=waits, error=str(error))
        except (OrderRefused, ApprovalRefused, NotApproved) as error:
            return Answer(kind=AnswerKind.REFUSED, error=str(error))
        except FillbridgeError as error:
            return Answer(kind=AnswerKind.FAILED, error=str(error))
        except Exception:
            _logger.exception("a request failed")
            return _UNEXPECTED

    async def _carry_out(self, request: Any) -> Answer:
        handler, by = self._handler, request.by
        match request:
            case ListPositions():
                return _done(self._api.get_open_positions())
            case ListOrders():
                return _done(self._orders(ended=request.ended))
            case ListTrades():
                return _done(list(handler.closed_trades[-request.last :]))
            case ShowMetrics():
                return _done(metrics_document(handler.metrics))
            case Propose():
                return await self._propose(request)
            case ListHolds():
                return _done(self._api.get_holds())
            case ApproveHold():
                return await self._approve(request)
            case RejectHold():
                is_recorded = self._api.reject_hold(request.hold_id, request.reason, by=by)
                return _requested(is_recorded, f"refused what waited as {request.hold_id}")
            case CloseAll():
                open_before = len(handler.open_positions)
                return _requested(
                    self._api.close_all_positions(by=by), f"closing {_trades(open_before)}"
                )
            case CancelAll():
                return _requested(self._api.cancel_all_orders(by=by), "withdrawing every entry")
            case Halt():
                handler.stop_entries(request.reason, by)
                return _requested(handler.is_recording, "halted until somebody resumes")
            case Flatten():
                return self._flatten(request)
            case Kill():
                return self._kill(request)
            case Alive():
                handler.alive(by)
                return _done({"said": "the dead man's timer begins anew"})
            case ShowArming():
                return _done(handler.arming())
            case Arm():
                return self._arm(request)
            case ShowLimitChange():
                return _done(handler.limits_change(request.limit, request.value))
            case SetLimit():
                asked = request.limit, request.value, by, request.approval
                return _done(handler.set_limit(*asked))
            case Resume(strategy=str(strategy)):
                handler.resume_strategy(strategy, by, request.approval)
                said = f"strategy {strategy!r} goes on; {self._resumed()}"
                return _requested(handler.is_recording, said)
            case Resume():
                handler.resume(by)
                said = self._resumed()
                return _requested(handler.is_recording, said)
            case ShowSuspended():
                return _done(handler.suspended())
            case _:
                return _done(self._status())

    async def _propose(self, request: Propose) -> Answer:
        proposal = request.proposal
        self._handler.redactor.refuse(proposal)  # before its id is noted
        trade_id = await self._handler.execute_from(Source.SOCKET, proposal, request.by)
        return _done({"proposal_id": proposal.proposal_id, "trade_id": trade_id})

    async def _approve(self, request: ApproveHold) -> Answer:
        hold_id = request.hold_id
        trade_id = await self._api.approve_hold(hold_id, by=request.by, approval=request.approval)
        said = f"approved what waited as {hold_id}: trade {trade_id}"
        return _done({"hold_id": hold_id, "trade_id": trade_id, "said": said})

    def _flatten(self, request: Flatten) -> Answer:
        if not self._api.may_stop:
            error = "risk_controls.emergency_stop_enabled: expected true for this, was false"
            return Answer(kind=AnswerKind.REFUSED, error=error)
        open_before = len(self._handler.open_positions)
        is_recorded = self._api.emergency_stop(reason=request.reason, by=request.by)
        said = f"halted until somebody resumes, closing {_trades(open_before)}"
        return _requested(is_recorded, said)

    def _kill(self, request: Kill) -> Answer:
        level = request.level
        if level is KillLevel.FLATTEN:
            return self._flatten(Flatten(by=request.by, reason=request.reason))
        is_recorded = self._api.kill(level, reason=request.reason, by=request.by)
        what = ", withdrawing every entry" if level is KillLevel.CANCEL else ""
        return _requested(is_recorded, f"stopped until it is armed{what}")

    def _arm(self, request: Arm) -> Answer:
        handler = self._handler
        if request.approval is not None:
            handler.approve(request.approval)
        try:
            handler.resume(request.by)
        except NotApproved:
            found = handler.arming()
            if request.approval is None or len(found["approved_by"]) >= found["needed"]:
                raise
            handler.keep_requests()
            said = f"approved by {', '.join(found['approved_by'])}; two operators are needed"
            return _done({"armed": False, "said": said, "approved_by": found["approved_by"]})
        if not handler.is_recording:
            return _requested(False, self._resumed())
        return _done({"armed": True, "said": self._resumed()})

    def _resumed(self) -> str:
        status = self._api.get_connection_status()
        names = ", ".join(repr(one["strategy"]) for one in self._handler.suspended())
        still = f"; suspended: {names} (fillbridge resume --strategy NAME)" if names else ""
        if status["gate"] == "open":
            return f"the gate is open{still}"
        return f"the gate is still shut: {'; '.join(status['reasons'])}{still}"

    def _status(self) -> dict[str, Any]:
        return {
            **self._api.get_connection_status(),
            "is_recording": self._handler.is_recording,
            "recovery": self._handler.recovery,
            "process": os.getpid(),
        }

    def _orders(self, *, ended: bool) -> list[Any]:
        orders = self._handler.order_history.values()
        return [one for one in orders if ended or one.status not in TERMINAL_STATUSES]


_UNEXPECTED = Answer(
    kind=AnswerKind.FAILED, error="the handler failed on this request; its log says why"
)


def _done(result: Any) -> Answer:
    return Answer(kind=AnswerKind.DONE, result=result)


def _requested(is_recorded: bool, said: str) -> Answer:
    if not is_recorded:
        error = f"{said}, but the journal has failed: a restart will not know of it"
        return Answer(kind=AnswerKind.FAILED, error=error)
    return _done({"said": said})


def _trades(count: int) -> str:
    return f"{count} trade" if count == 1 else f"{count} trades"


def metrics_document(metrics: ExecutionMetrics) -> dict[str, Any]:
    """The counters by name, plain."""
    counters = {name: value for name, value in vars(metrics).items() if not name.startswith("_")}
    return {
        **msgspec.to_builtins(counters),
        "fill_ratio": metrics.fill_ratio,
        "latency_ms": metrics.latency_ms(),
    }
