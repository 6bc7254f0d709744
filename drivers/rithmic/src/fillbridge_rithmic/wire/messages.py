"""Protobuf messages made from the tables, in a pool of descriptors of their own.

The pool is private, so that another library that declares the same messages can live in the same
process. Fields are those of proto2: whether a field was sent can be asked, and a zero is sent.
"""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from fillbridge_rithmic.wire.fields import FIELDS
from fillbridge_rithmic.wire.framing import BadFrame, bodies, framed
from fillbridge_rithmic.wire.templates import TEMPLATES

_PACKAGE: Final = "fillbridge_rithmic"
_TEMPLATE_ID: Final = ("template_id", 154467, "i32")
_Field = descriptor_pb2.FieldDescriptorProto
_TYPES: Final = {
    "str": _Field.TYPE_STRING,
    "i32": _Field.TYPE_INT32,
    "u32": _Field.TYPE_UINT32,
    "f64": _Field.TYPE_DOUBLE,
    "bool": _Field.TYPE_BOOL,
    "enum": _Field.TYPE_INT32,
}

FieldSpec = tuple[str, int, str]
"""Name, number and type; the type ends with ``*`` where the field is repeated."""


def field_specs() -> dict[int, tuple[str, tuple[FieldSpec, ...]]]:
    """Every template with its name and its fields, ``template_id`` apart."""
    usual: dict[str, FieldSpec] = {}
    for line in FIELDS.split("\n"):
        if line:
            name, number, kind = line.split()
            usual[name] = (name, int(number), kind)
    specs: dict[int, tuple[str, tuple[FieldSpec, ...]]] = {}
    template = 0
    for line in TEMPLATES.split("\n"):
        words = line.split()
        if line[:1].isdigit():
            template = int(words[0])
            specs[template] = (words[1], ())
        elif words:
            name, fields = specs[template]
            specs[template] = (name, (*fields, *(_field(word, usual) for word in words)))
    return specs


def _field(word: str, usual: dict[str, FieldSpec]) -> FieldSpec:
    name, _, own = word.partition("=")
    if not own:
        return usual[name]
    number, _, kind = own.partition(":")
    return name, int(number), kind


def _classes(*, are_texts_checked: bool) -> dict[int, type[Message]]:
    """The messages by template; those whose texts are checked cannot be read from what is no UTF-8.

    Everything else is as in proto2.
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}.proto", package=_PACKAGE)
    features = descriptor_pb2.FeatureSet
    file.syntax, file.edition = "editions", descriptor_pb2.EDITION_2023
    chosen = file.options.features
    chosen.repeated_field_encoding = features.EXPANDED
    chosen.utf8_validation = features.VERIFY if are_texts_checked else features.NONE
    specs = {0: ("Envelope", ()), **field_specs()}
    for name, fields in specs.values():
        message = file.message_type.add(name=name)
        for field, number, kind in (_TEMPLATE_ID, *fields):
            repeated = kind.endswith("*")
            message.field.add(
                name=field,
                number=number,
                type=_TYPES[kind.rstrip("*")],
                label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        template: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for template, (name, _) in specs.items()
    }


def _texts(repeated: bool) -> dict[int, tuple[str, ...]]:
    kind = "str*" if repeated else "str"
    return {
        template: tuple(name for name, _, own in fields if own == kind)
        for template, (_, fields) in field_specs().items()
    }


_CLASSES: Final = _classes(are_texts_checked=True)
_TOLERANT: Final = _classes(are_texts_checked=False)
_ENVELOPE: Final = _CLASSES[0]
_LISTS: Final = _texts(repeated=True)
_TEXTS: Final = _texts(repeated=False)


def make(template: int, **fields: Any) -> Any:
    """A message; fields given as ``None`` are left out.

    :raises KeyError: if the template is not in the table
    :raises ValueError: if a field is not in the template
    """
    given = {name: value for name, value in fields.items() if value is not None}
    return _CLASSES[template](template_id=template, **given)


def encode(message: Any) -> bytes:
    """The bytes of one websocket message: its length, then the message."""
    body: bytes = message.SerializeToString()
    return framed(body)


def decode(data: bytes) -> Iterator[Any]:
    """The messages in one websocket message, in order; templates not in the table are left out.

    :raises BadFrame: where the bytes are no messages; those before were yielded
    """
    for body in bodies(data):
        message = decode_body(body)
        if message is not None:
            yield message


def decode_body(body: bytes) -> Any:
    """The message in one body, ``None`` where its template is not in the table.

    What is no UTF-8 in a text becomes the replacement character: a fill is not to be missed for it.

    :raises BadFrame: if the bytes are no message
    """
    try:
        envelope: Any = _ENVELOPE.FromString(body)
        template: int = envelope.template_id
        made = _CLASSES.get(template) if template else None
        if made is not None:
            try:
                return made.FromString(body)
            except DecodeError:
                return made.FromString(_with_mended_texts(template, body))
    except DecodeError as error:
        raise BadFrame(f"expected a message, could not be decoded: {error}") from None
    if not envelope.HasField("template_id"):
        raise BadFrame("expected a message with a template id, had none")
    return None


def _with_mended_texts(template: int, body: bytes) -> bytes:
    message: Any = _TOLERANT[template].FromString(body)
    for name in _TEXTS[template]:
        if isinstance(value := getattr(message, name), bytes):
            setattr(message, name, value.decode(errors="replace"))
    for name in _LISTS[template]:
        values = getattr(message, name)
        values[:] = [
            value.decode(errors="replace") if isinstance(value, bytes) else value
            for value in values
        ]
    mended: bytes = message.SerializeToString()
    return mended


def sent(message: Any, field: str) -> Any:
    """The value of a field that is not repeated, ``None`` where it was not sent."""
    return getattr(message, field) if message.HasField(field) else None
