"""Messages made from the gateway's own table, and the frames around them."""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from fillbridge_rithmic.gateway.table import LAYOUTS, NUMBERS

TEMPLATE_ID: Final = 154467

_PACKAGE: Final = "fillbridge_gateway"
_LENGTH_BYTES: Final = 4
_UNREADABLE: Final = "an error occurred while parsing data."
_Field = descriptor_pb2.FieldDescriptorProto
_KINDS: Final = {
    "str": _Field.TYPE_STRING,
    "i32": _Field.TYPE_INT32,
    "u32": _Field.TYPE_UINT32,
    "u64": _Field.TYPE_UINT64,
    "f64": _Field.TYPE_DOUBLE,
    "bool": _Field.TYPE_BOOL,
    "enum": _Field.TYPE_INT32,
}


class BadFrame(ValueError):
    """What a client sent is no message; the sentence is the one that it is rejected with."""


def layouts() -> dict[int, tuple[str, dict[str, tuple[int, str]]]]:
    """Each template's name, and number and type of its fields by name (``*``: repeated)."""
    usual = {}
    for entry in NUMBERS.replace("\n", " ").split(";"):
        number, name, kind = entry.split()
        usual[name] = (int(number), kind)
    found = {}
    for line in LAYOUTS.replace("\n  ", " ").strip().split("\n"):
        heading, _, listed = line.partition(":")
        template, title = heading.split()
        fields = {}
        for word in listed.replace(",", " ").split():
            name, _, own = word.partition("@")
            number, _, kind = own.partition("/")
            fields[name] = (int(number), kind) if own else usual[name]
        found[int(template)] = (title, fields)
    return found


def _message_classes() -> dict[int, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="gateway.proto", package=_PACKAGE, syntax="proto2"
    )
    titles = {0: "Any"}
    _declare(file, "Any", {})
    for template, (title, fields) in layouts().items():
        titles[template] = title
        _declare(file, title, fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        template: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{title}"))
        for template, title in titles.items()
    }


def _declare(
    file: descriptor_pb2.FileDescriptorProto, title: str, fields: dict[str, tuple[int, str]]
) -> None:
    declared = file.message_type.add(name=title)
    for name, (number, kind) in {"template_id": (TEMPLATE_ID, "i32"), **fields}.items():
        is_repeated = kind.endswith("*")
        declared.field.add(
            name=name,
            number=number,
            type=_KINDS[kind.rstrip("*")],
            label=_Field.LABEL_REPEATED if is_repeated else _Field.LABEL_OPTIONAL,
        )


_CLASSES: Final = _message_classes()


def build(template: int, **fields: Any) -> Any:
    """A message; what is ``None`` is not in it."""
    given = {name: value for name, value in fields.items() if value is not None}
    return _CLASSES[template](template_id=template, **given)


def bare(template: int) -> Any:
    """A message of a template that need not be in the table, without any field."""
    message: Any = _CLASSES[0]()
    message.template_id = template
    return message


def pack(message: Any) -> bytes:
    """A message with its length before it."""
    body: bytes = message.SerializeToString()
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def unpack(data: bytes) -> Iterator[Any]:
    """The messages in one websocket message; those of unknown templates have only the template.

    :raises BadFrame: where the bytes are no messages; those before were yielded
    """
    if not data:
        raise BadFrame("message length is invalid")
    while data:
        length = int.from_bytes(data[:_LENGTH_BYTES], "big")
        body, data = data[_LENGTH_BYTES : _LENGTH_BYTES + length], data[_LENGTH_BYTES + length :]
        if len(body) != length or not length:
            raise BadFrame("message length is invalid")
        try:
            seen: Any = _CLASSES[0].FromString(body)
            message = _CLASSES.get(seen.template_id, _CLASSES[0]).FromString(body)
        except DecodeError:
            raise BadFrame(_UNREADABLE) from None
        if not _is_readable(message):
            raise BadFrame(_UNREADABLE)
        if not seen.HasField("template_id"):
            raise BadFrame("template id field is not received.")
        yield message


def _is_readable(message: Any) -> bool:
    """Whether every text is UTF-8: protobuf hands out bytes where one is not."""
    return not any(
        isinstance(each, bytes)
        for field, value in message.ListFields()
        for each in (value if field.is_repeated else (value,))
    )


def given(message: Any, field: str) -> Any:
    """The value of a field; ``None`` where the client did not send it."""
    return getattr(message, field) if message.HasField(field) else None


def has_field(message: Any, field: str) -> bool:
    """Whether the template of a message has a field of this name."""
    return field in message.DESCRIPTOR.fields_by_name
