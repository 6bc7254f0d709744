"""``fillbridge secrets``: keep secrets, and see that those of the configuration are found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from fillbridge.cli.output import REDACTOR, failures, print_json
from fillbridge.config import load_settings
from fillbridge.secrets import configured_secrets, reference_in
from fillbridge.trusted import load_trusted
from fillbridge_hooks import (
    ConfigurationError,
    KeepsSecrets,
    ListsSecrets,
    RotatesKey,
    Secret,
    Unlockable,
)
from fillbridge_hooks.private_files import private_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fillbridge.config import Settings
    from fillbridge.secrets import Secrets

T = TypeVar("T")

_PATH = click.Path(path_type=Path)
_LARGEST = 64 * 1024


class Reference(msgspec.Struct, frozen=True):
    """What became of one of the configured credentials, or of the secret of a proposal key."""

    credential: str
    reference: str | None
    """``None``: its value stands in the configuration itself."""
    provider: str | None
    """Who has it; ``None`` where nobody does."""
    problem: str | None


@click.group()
def secrets() -> None:
    """Keep secrets, and see that they are found. None of these commands shows a value."""


def _configured(command: Callable[..., None]) -> Callable[..., None]:
    options: tuple[Callable[[Callable[..., None]], Callable[..., None]], ...] = (
        click.option("--config", type=_PATH, metavar="FILE", help="Configuration."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    )
    for option in reversed(options):
        command = option(command)
    return command


_provider = click.option("--provider", metavar="NAME", help="Which one, if there are several.")


@secrets.command("set")
@click.argument("name")
@_provider
@_configured
def set_command(name: str, provider: str | None, config: Path | None, as_json: bool) -> None:
    """Keep the secret NAME; it is asked for, or read from standard input.

    Exits with 2 if it cannot be kept.

    \b
    Example:
      fillbridge secrets set RITHMIC_PASSWORD --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        reference_in(f"${{{name}}}")  # refuses a name that nobody could refer to
        found = _load(config)[1].providers.items()
        able = {key: one for key, one in found if isinstance(one, KeepsSecrets)}
        chosen, keeps = _only(able, "keeps secrets", provider)
        keeps.keep(name, _given(name))
        _say({"kept": name, "provider": chosen}, f"{name} is kept by {chosen}", as_json)


@secrets.command("list")
@_configured
def list_command(config: Path | None, as_json: bool) -> None:
    """List the names of the secrets that each provider knows of; never a value.

    Exits with 2 if one cannot be read.

    \b
    Example:
      fillbridge secrets list --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        found = {
            name: list(provider.names()) if isinstance(provider, ListsSecrets) else None
            for name, provider in _load(config)[1].providers.items()
        }
        lines = [
            f"{name}: {'does not list what it has' if known is None else ', '.join(known) or '-'}"
            for name, known in found.items()
        ]
        _say({"providers": found}, "\n".join(lines), as_json)


@secrets.command("rotate")
@_provider
@click.option("--passphrase-file", type=_PATH, metavar="FILE", help="Mode 0600; has the new one.")
@click.option("--keep-old", is_flag=True, help="Let the passphrases so far open it too, for now.")
@click.option("--finish", is_flag=True, help="Only the present passphrase opens it from now on.")
@_configured
def rotate_command(
    provider: str | None,
    passphrase_file: Path | None,
    keep_old: bool,
    finish: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Put the secrets under a new key and a new passphrase.

    For a service that must go on: --keep-old, give it the new passphrase, then --finish. Exits
    with 2 if it cannot be done; all is then as it was.

    \b
    Example:
      fillbridge secrets rotate --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        if finish and (keep_old or passphrase_file):
            raise ConfigurationError("--finish: expected alone, was with another option")
        found = _load(config)[1].providers.items()
        able = {key: one for key, one in found if isinstance(one, RotatesKey)}
        chosen, rotates = _only(able, "has a key to rotate", provider)
        new = None if finish else _new_passphrase(passphrase_file)
        rotates.rotate(new, keep_old=keep_old)
        text = f"{chosen}: its secrets are under a new key"
        if keep_old:
            text = f"{chosen}: the new passphrase opens it as well; end with --finish"
        _say({"provider": chosen, "old_passphrases_open": keep_old}, text, as_json)


@secrets.command()
@_configured
def check(config: Path | None, as_json: bool) -> None:
    """See that every reference of the configuration is found, and by whom.

    Asks for what must be unlocked. Exits with 1 if a secret is not found, with 2 if the
    configuration cannot be used.

    \b
    Example:
      fillbridge secrets check --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        settings, found = _load(config)
        locked = _unlock(found)
        results = [
            _looked_up(name, value, found, locked)
            for name, value in sorted(settings.live_settings.credentials.items())
        ]
        keys = [
            _key_looked_up(settings, key_id, found, locked)
            for key_id in sorted(settings.live_settings.proposal_keys)
        ]
        is_fine = not locked and all(result.problem is None for result in (*results, *keys))
        providers = {name: locked.get(name) or "ready" for name in found.providers}
        document = {
            "ok": is_fine,
            "providers": providers,
            "credentials": results,
            "proposal_keys": keys,
        }
        lines = [f"provider {name}: {state}" for name, state in providers.items()]
        lines += [_line("credentials", result) for result in results]
        lines += [_line("proposal_keys", result) for result in keys]
        _say(document, "\n".join(lines), as_json)
    if not is_fine:
        raise SystemExit(1)


def _load(path: Path | None) -> tuple[Settings, Secrets]:
    plugins = load_trusted(path, is_trading=False)
    settings = load_settings(path, plugins.settings_sections()).settings
    return settings, configured_secrets(settings, plugins, learn=REDACTOR.learn)


def _only(able: Mapping[str, T], does: str, name: str | None) -> tuple[str, T]:
    """The one that is meant, of those that can do this."""
    if name is None and len(able) == 1:
        return next(iter(able.items()))
    if name is not None and name in able:
        return name, able[name]
    names = ", ".join(able) or "none (set execution_handler.vault.file)"
    was = "not named" if name is None else repr(name)
    raise ConfigurationError(f"--provider: expected one that {does}, of {names}, was {was}")


def _given(name: str) -> Secret:
    if sys.stdin.isatty():
        return Secret(click.prompt(name, hide_input=True, confirmation_prompt=True))
    text = sys.stdin.buffer.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise ConfigurationError(f"the secret {name!r}: expected at most {_LARGEST:,} bytes")
    return _text(text, f"the secret {name!r}")


def _new_passphrase(path: Path | None) -> Secret:
    if path is not None:
        return private_text(path, "the new passphrase", largest=_LARGEST)
    if not sys.stdin.isatty():
        raise ConfigurationError("--passphrase-file: missing, and there is no terminal to ask at")
    return Secret(click.prompt("New passphrase", hide_input=True, confirmation_prompt=True))


def _text(content: bytes, what: str) -> Secret:
    try:
        return Secret(content.decode().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{what}: expected text in UTF-8") from None


def _unlock(found: Secrets) -> dict[str, str]:
    """What is wrong with the providers that cannot be unlocked."""
    problems = {}
    for name, provider in found.providers.items():
        if isinstance(provider, Unlockable):
            try:
                provider.unlock()
            except ConfigurationError as error:
                problems[name] = str(error)
    return problems


def _looked_up(credential: str, value: str, found: Secrets, locked: dict[str, str]) -> Reference:
    try:
        name = reference_in(value)
    except ConfigurationError as error:
        return Reference(credential, None, None, str(error))
    if name is None:
        return Reference(credential, None, None, None)
    for provider, ask in found.providers.items():
        try:
            if provider not in locked and ask(name) is not None:
                return Reference(credential, name, provider, None)
        except ConfigurationError as error:
            return Reference(credential, name, provider, str(error))
    return Reference(credential, name, None, "nobody has it")


def _key_looked_up(
    settings: Settings, key_id: str, found: Secrets, locked: dict[str, str]
) -> Reference:
    # Imported here because it is slow to import, and most commands do not need it.
    from fillbridge.handlers.intake_wiring import proposal_secret

    value = settings.live_settings.proposal_keys[key_id].secret
    result = _looked_up(key_id, value, found, locked)
    if result.problem is None:
        try:
            proposal_secret(settings, found, key_id)
        except ConfigurationError as error:
            return msgspec.structs.replace(result, problem=str(error))
    return result


def _line(section: str, result: Reference) -> str:
    if result.problem is not None:
        state = result.problem
    elif result.reference is None:
        state = "stands in the configuration itself"
    else:
        state = f"from {result.provider}"
    shown = "" if result.reference is None else f" ${{{result.reference}}}"
    return f"{section}.{result.credential}{shown}: {state}"


def _say(document: object, text: str, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        click.echo(text)
