"""Whether a system trades real money, by its name, and whether that is what was configured."""

import re
from typing import Final

from fillbridge_hooks import ConfigurationError

_PLAY: Final = frozenset(
    ("demo", "paper", "rehearsal", "sim", "simulated", "simulation", "test", "uat")
)
_SIM: Final = "sim"


def is_play(system: str) -> bool:
    """Whether no real money is traded in a system: a word of its name says so.

    So do Rithmic Test, Rithmic Paper Trading and the local gateway; any other is taken for real.
    """
    return not _PLAY.isdisjoint(re.findall(r"[a-z]+", system.lower()))


def check_money(system: str, environment: str) -> None:
    """See that a system is what ``live_settings.environment`` says.

    :raises ConfigurationError: if one of them is for real money and the other is not
    """
    if is_play(system) == (environment == _SIM):
        return
    wanted = (
        "one without real money, such as Rithmic Paper Trading,"
        if environment == _SIM
        else "one with real money"
    )
    raise ConfigurationError(
        f"system_name: expected {wanted} where live_settings.environment is {environment!r},"
        f" was {system!r}"
    )
