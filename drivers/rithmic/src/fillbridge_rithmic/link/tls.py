"""Whom a connection trusts, and what to change where that fails."""

import ssl

from fillbridge_hooks import ConfigurationError, DriverError, FatalError, RetryableError
from fillbridge_rithmic.link.address import Address

_EXPIRED, _NOT_YET_VALID = 10, 9
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})
_PLAIN_TEXT = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
)


def client_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies certificates and host names, with TLS 1.2 or newer.

    :param ca_file: PEM file of the authorities to trust in place of the system's
    :raises ConfigurationError: if that file cannot be used
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or error.__class__.__name__
        raise ConfigurationError(
            f"ca_file: expected a PEM file with certificates, was {ca_file!r} ({why})"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def handshake_error(error: ssl.SSLError, address: Address) -> DriverError:
    """What failed while TLS was set up, in a sentence that says what to change."""
    place = address.place
    if isinstance(error, ssl.SSLCertVerificationError):
        return FatalError(f"{place}: {_distrust(error, address.host)}")
    if error.reason in _PLAIN_TEXT:
        return FatalError(f"{place}: no TLS is spoken there; expected a wss:// port in uri")
    return RetryableError(f"{place}: TLS could not be set up ({error.reason or 'no reason given'})")


def _distrust(error: ssl.SSLCertVerificationError, host: str) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "its certificate has expired; the server must renew it, or this clock be set right"
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet; set this machine's clock right"
    if code in _UNKNOWN_AUTHORITY:
        return (
            "its certificate is signed by an authority that is not trusted here; name that"
            " authority's PEM file in ca_file"
        )
    if code in _OTHER_NAME:
        return f"its certificate is not for {host!r}; name in uri the host that it is for"
    return f"its certificate is refused ({error.verify_message}); check uri and ca_file"
