"""Prints every message that the oracle knows, as JSON; run by the oracle's own interpreter.

Each message's name, and its fields by name: number, type and whether it is repeated.
"""

import importlib
import json
import pkgutil

import async_rithmic.protocol_buffers as published  # type: ignore[import-not-found]
from async_rithmic.plants.base import TEMPLATES_MAP  # type: ignore[import-not-found]
from google.protobuf.descriptor import FieldDescriptor

KINDS = {
    FieldDescriptor.TYPE_STRING: "str",
    FieldDescriptor.TYPE_INT32: "i32",
    FieldDescriptor.TYPE_UINT32: "u32",
    FieldDescriptor.TYPE_UINT64: "u64",
    FieldDescriptor.TYPE_DOUBLE: "f64",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_ENUM: "enum",
    FieldDescriptor.TYPE_BYTES: "bytes",
}


def describe(descriptor):
    return {
        field.name: [field.number, KINDS[field.type] + ("*" if field.is_repeated else "")]
        for field in descriptor.fields
    }


messages = {}
for module in pkgutil.iter_modules(published.__path__):
    if module.name.endswith("_pb2"):
        loaded = importlib.import_module(f"{published.__name__}.{module.name}")
        for name, descriptor in loaded.DESCRIPTOR.message_types_by_name.items():
            messages[name] = describe(descriptor)
templates = {number: made.DESCRIPTOR.name for number, made in TEMPLATES_MAP.items()}
print(json.dumps({"messages": messages, "templates": templates}))
