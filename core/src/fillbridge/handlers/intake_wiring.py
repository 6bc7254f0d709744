"""From settings to which proposals a live handler takes."""

from fillbridge.config import Settings
from fillbridge.handlers.redaction import Redactor
from fillbridge.live.intake import IntakeRules, KnownKey, Source
from fillbridge.secrets import Secrets
from fillbridge_hooks import ConfigurationError, InvalidValue, Secret
from fillbridge_hooks.signing import check_secret

_LONGEST_ID = 64
_OUTSIDE = frozenset((Source.BUS, Source.SOCKET))


def intake_rules(settings: Settings, secrets: Secrets, redactor: Redactor) -> IntakeRules:
    """The keys, resolved, and from where a proposal may come without a signature.

    :raises ConfigurationError: if a secret cannot be had, or is too short; or if signatures are
        demanded and there is no key
    """
    live = settings.live_settings
    keys = {
        key_id: KnownKey(
            secret=proposal_secret(settings, secrets, key_id, redactor),
            strategies=frozenset(key.strategies),
        )
        for key_id, key in live.proposal_keys.items()
    }
    if live.signed_proposals and not keys:
        raise ConfigurationError(
            "live_settings.signed_proposals: expected proposal_keys beside it, was none: no"
            " proposal could be taken"
        )
    sources = frozenset(Source)
    if live.signed_proposals or (live.signed_proposals is None and keys):
        sources = frozenset()
    elif live.signed_proposals is None and live.environment == "prod":
        sources -= _OUTSIDE
    return IntakeRules(account=live.account, keys=keys, unsigned_from=sources)


def proposal_secret(
    settings: Settings, secrets: Secrets, key_id: str, redactor: Redactor | None = None
) -> Secret:
    """The secret of a configured key.

    :raises ConfigurationError: if there is no such key, or its secret cannot be used
    """
    live = settings.live_settings
    path = f"live_settings.proposal_keys.{key_id}"
    key = live.proposal_keys.get(key_id)
    if key is None:
        known = ", ".join(sorted(live.proposal_keys)) or "none"
        raise ConfigurationError(f"{path}: expected a configured key ({known}), was none")
    if len(key_id) > _LONGEST_ID or not key_id:
        raise ConfigurationError(f"{path}: expected an id of at most {_LONGEST_ID} characters")
    secret = secrets.resolve(key.secret)
    if redactor is not None:
        redactor.learn(secret)
    try:
        check_secret(secret)
    except InvalidValue as error:
        raise ConfigurationError(f"{path}.{error}") from None
    return secret
