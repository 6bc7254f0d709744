"""What a shell asks plugins, resolved once."""

from collections.abc import Sequence

import msgspec

from fillbridge.approval import NamedCheck
from fillbridge.plugins import Implementation
from fillbridge_hooks import CommissionFunction


class ShellHooks(msgspec.Struct, frozen=True, kw_only=True):
    """The plugins of one handler, resolved to plain functions."""

    prepare_order: tuple[Implementation, ...] = ()
    risk_checks: Sequence[NamedCheck] = ()
    """Asked of each entry; a list may be changed while trading goes on."""
    commission: tuple[str, CommissionFunction] | None = None
    handle_fill: tuple[Implementation, ...] = ()
    score_execution: tuple[Implementation, ...] = ()
