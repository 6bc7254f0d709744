"""Who is asked for a secret, and in which order."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fillbridge.config import Settings
from fillbridge.plugins import Plugins
from fillbridge.secrets.environment import EnvironmentSecrets
from fillbridge.secrets.files import folders_of
from fillbridge.secrets.references import reference_in
from fillbridge_hooks import (
    ConfigurationError,
    Secret,
    SecretProvider,
    TellsSecrets,
    Unlockable,
)

_SETTING = "execution_handler.live_settings.secret_providers"
_ENVIRONMENT = "environment"
_FILE = "file"


class Secrets:
    """Resolves references such as ``${NAME}``, asking one provider after the other."""

    def __init__(
        self,
        providers: Mapping[str, SecretProvider],
        *,
        environ: Mapping[str, str],
        directory: Path | None = None,
        only: Sequence[str] | None = None,
        learn: Callable[[Secret], None] | None = None,
    ) -> None:
        """Take the providers of plugins, and add ``environment`` and ``file``.

        :param providers: as :meth:`fillbridge.plugins.Plugins.secret_providers` answers
        :param environ: the variables of the provider ``environment``; says which folder systemd
            made for the provider ``file``
        :param directory: a further folder of the provider ``file``
        :param only: the providers that are asked, in this order; ``None`` for all, in the order
            of their names
        :param learn: told of the secrets that providers use themselves, such as passphrases
        :raises ConfigurationError: if ``only`` names one that is not offered, or one twice
        """
        offered = {
            **providers,
            _ENVIRONMENT: EnvironmentSecrets(environ),
            _FILE: folders_of(directory, environ),
        }
        names = sorted(offered) if only is None else only
        for name in names:
            if name not in offered:
                known = ", ".join(map(repr, sorted(offered)))
                raise ConfigurationError(f"{_SETTING}: expected names of {known}, was {name!r}")
        if len(set(names)) < len(names):
            raise ConfigurationError(f"{_SETTING}: expected each name once, was {list(names)!r}")
        self.providers = {name: offered[name] for name in names}
        """By name, in the order in which they are asked."""
        if learn is not None:
            for provider in self.providers.values():
                if isinstance(provider, TellsSecrets):
                    provider.tell(learn)

    def unlock(self) -> None:
        """Open the providers that must be opened before they have anything.

        :raises ConfigurationError: if one cannot be opened
        """
        for provider in self.providers.values():
            if isinstance(provider, Unlockable):
                provider.unlock()

    def resolve(self, value: str) -> Secret:
        """The secret that ``value`` refers to; text that is no reference is the secret itself.

        :raises ConfigurationError: if nobody has it, or it cannot be used
        """
        name = reference_in(value)
        return Secret(value) if name is None else self.find(name)[1]

    def find(self, name: str) -> tuple[str, Secret]:
        """The first provider that has a secret of that name, and the secret.

        :raises ConfigurationError: if nobody has it, or it cannot be used
        """
        for provider, ask in self.providers.items():
            secret = ask(name)
            if secret is not None:
                return provider, secret
        asked = ", ".join(self.providers) or "no provider"
        raise ConfigurationError(f"${{{name}}}: expected a secret that one of {asked} has")


def configured_secrets(
    settings: Settings,
    plugins: Plugins,
    environ: Mapping[str, str] | None = None,
    learn: Callable[[Secret], None] | None = None,
) -> Secrets:
    """The providers that the configuration allows.

    Where it names none, all that are offered; in production all but the environment.

    :param settings: loaded with the sections of these plugins
    :param environ: the variables of this process where ``None``
    :param learn: as for :class:`Secrets`
    :raises ConfigurationError: if it names a provider that is not offered, or one twice
    :raises PluginError: if a plugin's secret provider cannot be used
    """
    live = settings.live_settings
    offered = plugins.secret_providers(settings.plugin_sections)
    only = live.secret_providers
    if only is None and live.environment == "prod":
        only = tuple(sorted((*offered, _FILE)))
    return Secrets(
        offered,
        environ=os.environ if environ is None else environ,
        directory=None if live.secrets is None else Path(live.secrets),
        only=only,
        learn=learn,
    )
