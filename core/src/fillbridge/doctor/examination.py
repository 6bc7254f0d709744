"""Every check, one after the other; none keeps the others from being made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fillbridge.config import load_settings
from fillbridge.doctor import account, machine, process, trusting
from fillbridge.doctor.findings import Finding, Patient, fail, ok
from fillbridge.plugins import BrokenPlugins
from fillbridge.trusted import load_trusted
from fillbridge_hooks import FillbridgeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Check = Callable[[Patient], Finding]

CHECKS: tuple[Check, ...] = (
    machine.python,
    machine.sqlite,
    machine.clock,
    machine.time_zones,
    machine.disk,
    machine.sync,
    process.core_dumps,
    process.inspection,
    account.permissions,
    account.lock,
    account.journal,
    account.latch,
    trusting.plugins,
    trusting.driver,
    trusting.secrets,
)
"""In the order in which they are made and shown."""


def examine(config: Path | None, account_name: str | None = None) -> tuple[Finding, ...]:
    """What every check finds.

    Nothing that a handler relies on is changed, and nothing is sent to a broker; secrets are
    resolved, and not shown.

    :param config: the configuration; defaults and environment where ``None``
    :param account_name: the account, if the configuration names another
    """
    options = {} if account_name is None else {"live_settings.account": account_name}
    broken: tuple[Finding, ...] = ()
    try:
        # Loaded as a lock lets it, where there is one; whether there must be one is a check.
        try:
            plugins = load_trusted(config, is_trading=False)
        except BrokenPlugins as error:
            broken = (fail("loading plugins", str(error), "uninstall or mend it"),)
            plugins = load_trusted(config, is_trading=False, strict=False)
        settings = load_settings(config, plugins.settings_sections(), options=options).settings
    except FillbridgeError as error:
        nothing_else = "mend it: nothing else can be examined"
        return (*broken, fail("configuration", str(error), nothing_else))
    patient = Patient(
        config=config,
        settings=settings,
        plugins=plugins,
        is_prod=settings.live_settings.environment == "prod",
    )
    source = "defaults" if config is None else str(config)
    live = settings.live_settings
    said = f"{source}: account {live.account} at {live.provider or 'sim'} ({live.environment})"
    return (*broken, ok("configuration", said), *(_made(check, patient) for check in CHECKS))


def _made(check: Check, patient: Patient) -> Finding:
    name = getattr(check, "__name__", "check").replace("_", " ")
    try:
        return check(patient)
    except FillbridgeError as error:
        return fail(name, str(error), "mend it")
    except Exception as error:  # noqa: BLE001  # a check that breaks has found something
        return fail(name, f"could not be examined: {type(error).__name__}: {error}", "see why")
