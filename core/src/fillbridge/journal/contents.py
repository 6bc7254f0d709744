"""What follows from the records of a journal, and its canonical bytes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from fillbridge.engine import EngineState, fold
from fillbridge.engine.messages import Event
from fillbridge.journal.positions import Holding, held_after, position_change
from fillbridge.journal.records import Note, PositionChanged, Record
from fillbridge.journal.states import StoredState, plain, rebuilt, restored_state, stored_state


class LastNote(msgspec.Struct, frozen=True):
    """The last note of a kind, with the number of its record."""

    seq: int
    note: Note


class _Stored(msgspec.Struct):
    state: StoredState  # type: ignore[valid-type]  # made from the fields of the state
    holdings: dict[str, Holding]
    notes: dict[str, LastNote]


_encoder = msgspec.msgpack.Encoder(enc_hook=plain)
_decoder = msgspec.msgpack.Decoder(_Stored, dec_hook=rebuilt)
_state_decoder = msgspec.msgpack.Decoder(StoredState, dec_hook=rebuilt)


class Contents:
    """The fold of a journal: the engine's state, what is held by symbol, the last notes by kind."""

    def __init__(
        self,
        state: EngineState | None = None,
        holdings: Mapping[str, Holding] | None = None,
        notes: Mapping[str, LastNote] | None = None,
    ) -> None:
        self.state = EngineState() if state is None else state
        self.holdings = dict(holdings or {})
        self.notes = dict(notes or {})

    def apply(self, record: Record, seq: int) -> None:
        """Take in a record that was read."""
        if type(record) is Note:
            self.notes[record.kind] = LastNote(seq, record)
        elif type(record) is PositionChanged:
            held_after(self.holdings, record)
        else:
            fold(self.state, record)  # type: ignore[arg-type]  # the others are excluded above

    def record(self, event: Event, now_ns: int) -> PositionChanged | None:
        """Fold a new event; the change of a position that it makes, which is not yet applied."""
        return position_change(self.state, self.holdings, event, now_ns)

    def encode(self) -> bytes:
        """Canonical bytes: equal contents have equal bytes."""
        return _encoder.encode(_Stored(stored_state(self.state), self.holdings, self.notes))

    @classmethod
    def decode(cls, encoded: bytes) -> "Contents":
        """The contents that these are the bytes of.

        :raises msgspec.MsgspecError: if they are of none
        """
        stored: Any = _decoder.decode(encoded)
        return cls(restored_state(stored.state), stored.holdings, stored.notes)


def copy_state(state: EngineState) -> EngineState:
    """A state of its own, as it would be read back."""
    return restored_state(_state_decoder.decode(state_bytes(state)))


def same_state(one: EngineState, other: EngineState) -> bool:
    """Whether two states say the same; a whole number and the same as a fraction are equal."""
    return stored_state(one) == stored_state(other)


def state_bytes(state: EngineState) -> bytes:
    """The state in bytes, whole numbers and fractions as they are held."""
    return _encoder.encode(stored_state(state))
