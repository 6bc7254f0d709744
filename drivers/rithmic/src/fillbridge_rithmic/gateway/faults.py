"""What goes wrong because somebody wants it to."""

from typing import Any

import msgspec

from fillbridge_hooks import InvalidValue

FAULTS: dict[str, str] = {
    "no_system": "the list of systems is empty",
    "login_denied": "the next login is refused",
    "heartbeat_unanswered": "a heartbeat gets no answer",
    "heartbeat_error": "a heartbeat is answered with an error",
    "drop_before_accept": "the connection breaks before a request is carried out",
    "drop_before_ack": "a request is carried out, the connection breaks before anything is said",
    "ack_after_notifications": "notifications come before the answer",
    "ack_delayed": "the answer comes late, by `delay_s`",
    "ack_never": "a request is carried out and never answered; notifications come",
    "cancel_all_partly": "a cancel of all orders leaves half of them",
    "cleared_quote": "a quote clears bid and offer instead of giving them",
    "level_wrong": "a bracket cannot be moved, since its level is wrong",
    "only_derived_fields": "market data comes without the price that it is about",
    "silence": "a request is not carried out and not answered",
}
"""Every fault by name, with what it does."""


class Fault(msgspec.Struct, kw_only=True):
    """A fault that waits for its time."""

    name: str
    template: int | None = None
    account: str | None = None
    times: int = 1
    after: int = 0
    """So many chances pass first."""
    options: dict[str, Any] = {}


class Faults:
    """The faults that were asked for and have not happened yet."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []
        self.happened: list[str] = []
        """Names of those that did, in order."""

    def arm(
        self,
        name: str,
        *,
        template: int | None = None,
        account: str | None = None,
        times: int = 1,
        after: int = 0,
        **options: Any,
    ) -> Fault:
        """Let something go wrong the next time it can.

        :param template: only with requests of this template
        :param account: only with requests of this account
        :param times: how often
        :param after: how many chances pass first
        :raises InvalidValue: if there is no fault of this name
        """
        if name not in FAULTS:
            raise InvalidValue("fault", " or ".join(sorted(FAULTS)), name)
        fault = Fault(
            name=name,
            template=template,
            account=account,
            times=times,
            after=after,
            options=options,
        )
        self.armed.append(fault)
        return fault

    def disarm(self) -> None:
        """Let nothing more go wrong."""
        self.armed.clear()

    def take(
        self, name: str, *, template: int | None = None, account: str | None = None
    ) -> Fault | None:
        """The fault of this name if its time has come."""
        for fault in self.armed:
            if (
                fault.name == name
                and fault.template in (None, template)
                and fault.account in (None, account)
            ):
                if fault.after:
                    fault.after -= 1
                    return None
                fault.times -= 1
                if fault.times <= 0:
                    self.armed.remove(fault)
                self.happened.append(name)
                return fault
        return None
