"""The vault as a file: what is in it, and what binds every piece of it to its place.

Every secret is a box of AES-256-GCM under the vault's own random key, with a new random nonce
each time it is written. What a box is for (version, kind, name, id of the key) is authenticated
with it, so a box that is put elsewhere does not open. The seal is a box around nothing that
authenticates everything else: a secret that was taken out or put back shows.
"""

import re
import secrets
from typing import Annotated, Final, Literal, NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fillbridge_hooks import ConfigurationError

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12
MOST_SLOTS: Final = 8
LARGEST: Final = 1 << 20
"""Bytes of a vault."""

NAME: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
"""Of a secret: what a reference can say."""

_FORMAT: Final = "fillbridge-vault"
_VERSION: Final = 1

_Nonce = Annotated[bytes, msgspec.Meta(min_length=NONCE_SIZE, max_length=NONCE_SIZE)]
_Identifier = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
_SecretName = Annotated[str, msgspec.Meta(pattern=f"^{NAME.pattern}$")]


class Hidden(bytes):
    """Bytes of a key or a secret, which print as ``***`` where a program shows its variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


class Box(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something encrypted, with the tag that proves it."""

    nonce: _Nonce
    content: bytes


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The vault's key under a passphrase; the costs are those of Argon2id."""

    slot_id: _Identifier
    salt: Annotated[bytes, msgspec.Meta(min_length=16, max_length=64)]
    memory_kib: Annotated[int, msgspec.Meta(ge=65_536, le=1_048_576)]
    iterations: Annotated[int, msgspec.Meta(ge=3, le=16)]
    lanes: Annotated[int, msgspec.Meta(ge=1, le=16)]
    key: Box


class Contents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a vault."""

    format: Literal["fillbridge-vault"]
    version: Literal[1]
    key_id: _Identifier
    slots: Annotated[tuple[Slot, ...], msgspec.Meta(min_length=1, max_length=MOST_SLOTS)]
    secrets: dict[_SecretName, Box]
    seal: Box


def new_id() -> str:
    """An id that no other key or slot has."""
    return secrets.token_hex(8)


def new_key() -> Hidden:
    """A random key."""
    return Hidden(secrets.token_bytes(KEY_SIZE))


def put(key: bytes, content: bytes, *place: object) -> Box:
    """Encrypt ``content``, for this place alone."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    return Box(nonce, AESGCM(key).encrypt(nonce, content, _bound(place)))


def take(key: bytes, box: Box, *place: object) -> Hidden | None:
    """What was put into the box for this place; ``None`` if that is not so."""
    try:
        return Hidden(AESGCM(key).decrypt(box.nonce, box.content, _bound(place)))
    except InvalidTag:
        return None


def sealed(key: bytes, key_id: str, slots: tuple[Slot, ...], boxes: dict[str, Box]) -> Contents:
    """A vault of these secrets, with its seal."""
    boxes = dict(sorted(boxes.items()))
    seal = put(key, b"", *_everything(key_id, slots, boxes))
    return Contents(
        format=_FORMAT, version=_VERSION, key_id=key_id, slots=slots, secrets=boxes, seal=seal
    )


def is_sealed(key: bytes, contents: Contents) -> bool:
    """Whether the vault is whole, as whoever has its key wrote it."""
    everything = _everything(contents.key_id, contents.slots, contents.secrets)
    return take(key, contents.seal, *everything) == b""


def encode(contents: Contents) -> bytes:
    """The bytes of the file."""
    return msgspec.json.format(msgspec.json.encode(contents), indent=2) + b"\n"


def decode(content: bytes) -> Contents:
    """The vault in the bytes of a file.

    :raises ConfigurationError: if it is none, or of another version; shows nothing of it
    """
    try:
        return msgspec.json.decode(content, type=Contents)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    raise ConfigurationError(
        f"expected a vault of version {_VERSION}, was damaged or something else ({error})"
    ) from None


def _everything(key_id: str, slots: tuple[Slot, ...], boxes: dict[str, Box]) -> tuple[object, ...]:
    return "seal", key_id, slots, tuple(sorted(boxes.items()))


def _bound(place: tuple[object, ...]) -> bytes:
    return msgspec.msgpack.encode((_FORMAT, _VERSION, *place))
