"""Secrets in environment variables, for want of a better place."""

import logging
from collections.abc import Mapping

from fillbridge_hooks import Secret

_log = logging.getLogger(__name__)


class EnvironmentSecrets:
    """Secrets in environment variables.

    Other processes of the same user can read them, child processes inherit them and reports of
    crashes show them: any other provider is better, and the first use of each is logged.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._told: set[str] = set()

    def __call__(self, reference: str) -> Secret | None:
        """The variable of that name; ``None`` where it is not set or empty."""
        value = self._environ.get(reference)
        if not value:
            return None
        if reference not in self._told:
            self._told.add(reference)
            _log.warning(
                "the secret ${%s} comes from the environment, which other processes can read: "
                "keep it in a vault or a file",
                reference,
            )
        return Secret(value)
