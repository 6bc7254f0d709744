"""The faults that were asked for and have not happened yet."""

from collections import deque
from random import Random
from typing import Any, Final

import msgspec

from fillbridge_hooks import InvalidValue
from fillbridge_rithmic.gateway.faults.table import FAULTS, STREAM_FAULTS

HARMLESS: Final = tuple(sorted(set(STREAM_FAULTS) - {"lost"}))
"""Faults of the stream after which a client still can know everything."""


class Fault(msgspec.Struct, kw_only=True):
    """A fault that waits for its time."""

    name: str
    template: int | None = None
    account: str | None = None
    notify_type: int | None = None
    times: int = 1
    after: int = 0
    """So many chances pass first."""
    options: dict[str, Any] = {}


class Profile:
    """Faults of the stream by chance, the same for the same seed and the same notifications."""

    def __init__(self, seed: int, rate: float, kinds: tuple[str, ...]) -> None:
        self._random = Random(seed)  # noqa: S311 (reproducible, no secret)
        self._rate = rate
        self._kinds = kinds

    def draw(self) -> str | None:
        """What goes wrong with the next notification; ``None``: nothing."""
        if self._random.random() >= self._rate:
            return None
        return self._random.choice(self._kinds)


class Faults:
    """What goes wrong: faults armed one by one, and a profile of such that come by chance."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []
        self.profile: Profile | None = None
        self.happened: deque[str] = deque(maxlen=100_000)
        """Names of those that did, in order."""

    def arm(
        self,
        name: str,
        *,
        template: int | None = None,
        account: str | None = None,
        notify_type: int | None = None,
        times: int = 1,
        after: int = 0,
        **options: Any,
    ) -> Fault:
        """Let something go wrong the next time it can.

        :param name: a name of :data:`FAULTS`
        :param template: only with requests, or notifications, of this template
        :param account: only with those of this account
        :param notify_type: only with notifications of this type
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
            notify_type=notify_type,
            times=times,
            after=after,
            options=options,
        )
        self.armed.append(fault)
        return fault

    def seed(self, seed: int, rate: float = 0.05, kinds: tuple[str, ...] = HARMLESS) -> None:
        """Let notifications of orders go wrong by chance.

        :param rate: of all notifications, from 0 to 1
        :param kinds: names of :data:`STREAM_FAULTS`
        :raises InvalidValue: if a kind is none of them, or the rate is no share
        """
        for kind in kinds:
            if kind not in STREAM_FAULTS:
                raise InvalidValue("kinds", " or ".join(sorted(STREAM_FAULTS)), kind)
        if not 0 <= rate <= 1:
            raise InvalidValue("rate", "a number from 0 to 1", rate)
        self.profile = Profile(seed, rate, kinds)

    def disarm(self) -> None:
        """Let nothing more go wrong."""
        self.armed.clear()
        self.profile = None

    def take(
        self,
        name: str,
        *,
        template: int | None = None,
        account: str | None = None,
        notify_type: int | None = None,
    ) -> Fault | None:
        """The fault of this name if its time has come; it is used up."""
        for fault in self.armed:
            if (
                fault.name == name
                and fault.template in (None, template)
                and fault.account in (None, account)
                and fault.notify_type in (None, notify_type)
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
