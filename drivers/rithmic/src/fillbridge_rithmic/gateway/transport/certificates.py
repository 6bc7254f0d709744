"""The certificates of a gateway: an authority of its own, and what it vouches for."""

import os
import ssl
from pathlib import Path

from fillbridge_hooks import ConfigurationError

_CA, _SERVER = "ca.pem", "server.pem"


def server_tls(directory: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """TLS for a server at ``host``, and the authority's certificate that clients need.

    The files are made where they are missing, so that clients can go on with the ones they have.

    :raises ConfigurationError: if they cannot be made or read
    """
    ca_file, server_file = directory / _CA, directory / _SERVER
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        if not (ca_file.exists() and server_file.exists()):
            _make(directory, ca_file, server_file, host)
        context.load_cert_chain(server_file)
    except OSError as error:  # an SSLError is one
        reason = error.strerror or error
        raise ConfigurationError(f"{directory}: no certificates: {reason}") from None
    return context, ca_file


def _make(directory: Path, ca_file: Path, server_file: Path, host: str) -> None:
    try:
        import trustme
    except ImportError:
        raise ConfigurationError(
            "trustme: expected to be installed, was not; install fillbridge-rithmic[gateway]"
        ) from None
    authority = trustme.CA()
    certificate = authority.issue_cert(*dict.fromkeys((host, "localhost", "127.0.0.1")))
    directory.mkdir(parents=True, exist_ok=True)
    pem = certificate.private_key_and_cert_chain_pem.bytes()
    descriptor = os.open(server_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    authority.cert_pem.write_to_path(str(ca_file))
