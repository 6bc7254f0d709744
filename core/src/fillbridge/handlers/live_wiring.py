"""From settings and plugins to what a live handler is made of."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from fillbridge.config import Settings, decode_settings
from fillbridge.handlers.redaction import Redactor
from fillbridge.journal import Journal, JournalFailed
from fillbridge.live import LiveRules
from fillbridge.plugins import Plugins
from fillbridge.secrets import Secrets, configured_secrets, reference_in
from fillbridge.trusted import check_trusted, load_for
from fillbridge.wrapping import SealedDriver
from fillbridge_hooks import Clock, ConfigurationError, Driver, Secret, Session

_logger = logging.getLogger(__name__)

_SECOND = 1_000_000_000


def settled(
    given: Settings | Mapping[str, Any], plugins: Plugins | None
) -> tuple[Settings, Plugins]:
    """The settings that were given and the plugins they trust.

    :raises ConfigurationError: if the settings cannot be used, or plugins must be locked and are
        not
    :raises PluginError: if a plugin cannot be loaded
    """
    if plugins is None:
        plugins = load_for(given)
    if not isinstance(given, Settings):
        given = decode_settings(given, plugins.settings_sections())
    check_trusted(given, plugins)
    return given, plugins


def note_plugins(journal: Journal, plugins: Plugins, clock: Clock) -> None:
    """Record which plugins this run has: what each is, and whether a lock let it in.

    A journal that has failed shuts the gate, and keeps nobody from closing what is open.
    """
    locked = plugins.locked()
    loaded = [
        {
            "plugin": source.plugin,
            "distribution": source.distribution,
            "version": source.version,
            "module": source.module,
            "lock": locked[name].install if name in locked else None,
            "record": locked[name].record if name in locked else None,
        }
        for name, source in ((name, plugins.source(name)) for name in plugins.names())
    ]
    try:
        journal.note("plugins", {"loaded": loaded}, clock.now_ns)
        journal.commit()
    except JournalFailed as error:
        _logger.critical("the plugins of this run are not recorded: %s", error)


def wrapped_driver(name: str, settings: Settings, plugins: Plugins) -> Driver:
    """The driver of that name, within what plugins put around it.

    :raises ConfigurationError: if it is not installed, or no way to a broker
    :raises PluginError: if a plugin fails
    """
    drivers = {
        offered: driver
        for offered, driver in plugins.drivers().items()
        if isinstance(driver, Driver)
    }
    if name not in drivers:
        names = ", ".join(map(repr, sorted(drivers))) or "a driver, none"
        raise ConfigurationError(
            f"live_settings.provider: expected {names} (installed), was {name!r}"
        )
    return SealedDriver(drivers[name], name, plugins, settings)


def wrapped_session(session: Session, name: str, plugins: Plugins) -> Session:
    """A session of the driver of that name, within what plugins put around it."""
    for found in plugins.resolve("fillbridge_wrap_session"):
        session = found.function(session, name) or session
    return session


class Credentials(Mapping[str, Secret]):
    """The configured credentials, each resolved when a driver takes it.

    It is kept by nobody but the redactor, which must know it to keep it out of what is said.
    """

    def __init__(self, references: Mapping[str, str], secrets: Secrets, redactor: Redactor) -> None:
        self._references = references
        self._secrets = secrets
        self._redactor = redactor

    def __getitem__(self, name: str) -> Secret:
        """The secret of that name.

        :raises ConfigurationError: if nobody has it
        """
        secret = self._secrets.resolve(self._references[name])
        self._redactor.learn(secret)
        return secret

    def __iter__(self) -> Iterator[str]:
        return iter(self._references)

    def __len__(self) -> int:
        return len(self._references)


def live_secrets(settings: Settings, plugins: Plugins, redactor: Redactor) -> Secrets:
    """Who resolves references; whoever must be opened for those that are configured is open.

    :param redactor: learns what opens them
    :raises ConfigurationError: if a reference or the providers that are configured cannot be used
    :raises PluginError: if a plugin's secret provider cannot be used
    """
    secrets = configured_secrets(settings, plugins, learn=redactor.learn)
    live = settings.live_settings
    places = {f"credentials.{name}": value for name, value in live.credentials.items()}
    places |= {
        f"proposal_keys.{name}.secret": key.secret for name, key in live.proposal_keys.items()
    }
    if [place for place, value in places.items() if _is_reference(place, value)]:
        secrets.unlock()
    return secrets


def _is_reference(place: str, value: str) -> bool:
    try:
        return reference_in(value) is not None
    except ConfigurationError as error:
        raise ConfigurationError(f"execution_handler.live_settings.{place}: {error}") from None


def account_tag(account: str) -> str:
    """What every order id of an account begins with."""
    return "FB" + hashlib.blake2b(account.encode(), digest_size=2).hexdigest() + "-"


def live_rules(settings: Settings) -> LiveRules:
    """The times of live trading, as they are configured."""
    live = settings.live_settings
    return msgspec.structs.replace(
        LiveRules(),
        acknowledgement_ns=round(live.acknowledge_timeout * _SECOND),
        protection_ns=round(live.protection_timeout * _SECOND),
        unproved_protection_ns=round(2 * live.protection_timeout * _SECOND),
        reconcile_ns=round(live.reconcile_interval * _SECOND),
        entry_quarantine_ns=round(live.quarantine * _SECOND),
        lasting_session_ns=round(live.reconnect_lasting * _SECOND),
        short_sessions=live.reconnect_limit,
        hold_ns=round(live.hold_timeout * _SECOND),
    )
