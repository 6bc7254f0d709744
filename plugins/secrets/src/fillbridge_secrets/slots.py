"""How a passphrase opens a vault: Argon2id makes it the key of a slot that holds the vault's."""

import secrets
from typing import Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from fillbridge_hooks import Secret
from fillbridge_secrets.envelope import KEY_SIZE, Hidden, Slot, new_id, put, take

_MEMORY_KIB: Final = 65_536
_ITERATIONS: Final = 3
_LANES: Final = 4
_SALT_SIZE: Final = 16


def new_slot(passphrase: Secret, key: bytes, key_id: str) -> Slot:
    """A slot in which the passphrase opens the vault's key; takes a quarter of a second."""
    slot_id, salt = new_id(), secrets.token_bytes(_SALT_SIZE)
    costs = (_MEMORY_KIB, _ITERATIONS, _LANES)
    own = _derived(passphrase, salt, *costs)
    return Slot(slot_id, salt, *costs, put(own, key, "slot", slot_id, key_id, salt, *costs))


def key_in(slot: Slot, passphrase: Secret, key_id: str) -> Hidden | None:
    """The vault's key, if the passphrase opens the slot."""
    costs = (slot.memory_kib, slot.iterations, slot.lanes)
    own = _derived(passphrase, slot.salt, *costs)
    return take(own, slot.key, "slot", slot.slot_id, key_id, slot.salt, *costs)


def _derived(
    passphrase: Secret, salt: bytes, memory_kib: int, iterations: int, lanes: int
) -> Hidden:
    derivation = Argon2id(
        salt=salt, length=KEY_SIZE, iterations=iterations, lanes=lanes, memory_cost=memory_kib
    )
    return Hidden(derivation.derive(passphrase.reveal().encode()))
