"""Says in words what a type accepts."""

from typing import Any

import msgspec


def rule_of(kind: Any) -> str:
    """What a type accepts, as errors say it; that it may be absent goes without saying."""
    return _describe(msgspec.inspect.type_info(kind))


def _describe(info: msgspec.inspect.Type) -> str:
    match info:
        case msgspec.inspect.Metadata():
            return _describe(info.type)
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.IntType():
            return "int" + _bounds(info)
        case msgspec.inspect.FloatType():
            return "number" + _bounds(info)
        case msgspec.inspect.StrType(pattern=str() as pattern):
            return f"text that matches {pattern}"
        case msgspec.inspect.StrType():
            return "text that is not empty" if info.min_length else "text"
        case msgspec.inspect.LiteralType():
            return "one of " + ", ".join(map(repr, info.values))
        case msgspec.inspect.EnumType():
            return "one of " + ", ".join(repr(member.value) for member in info.cls)
        case msgspec.inspect.UnionType():
            options = [t for t in info.types if not isinstance(t, msgspec.inspect.NoneType)]
            return " or ".join(map(_describe, options))
        case msgspec.inspect.DictType() | msgspec.inspect.StructType():
            return "keys and values"
        case msgspec.inspect.VarTupleType():
            return "list"
    return type(info).__name__.removesuffix("Type").lower()


def _bounds(info: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str:
    signs = ((">", info.gt), (">=", info.ge), ("<", info.lt), ("<=", info.le))
    bounds = [f"{sign} {bound}" for sign, bound in signs if bound is not None]
    return (" " if bounds else "") + " and ".join(bounds)
