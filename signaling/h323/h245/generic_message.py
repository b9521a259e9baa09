"""GenericMessage of H.245 and its parameters, of those kinds that H.239 and H.241 use (H.245 B.2.2.8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Oid = tuple[int, ...]

_NUMBERS = ("booleanArray", "unsignedMin", "unsignedMax", "unsigned32Min", "unsigned32Max")


def identifier(oid: Oid) -> tuple[str, Oid]:
    """A CapabilityIdentifier of a standard."""
    return ("standard", oid)


def parameter(number: int, kind: str, value: Any) -> dict[str, Any]:
    """A GenericParameter of a standard; `kind` is the choice of ParameterValue."""
    return {"parameterIdentifier": ("standard", number), "parameterValue": (kind, value)}


def numbers(parameters: Iterable[Any]) -> dict[int, int]:
    """Standard parameters with a value that is a number, by their own; logical ones are 1. The first of each counts."""
    found: dict[int, int] = {}
    for each in parameters:
        space, number = each["parameterIdentifier"]
        kind, value = each["parameterValue"]
        if space != "standard":
            continue
        if kind == "logical":
            found.setdefault(number, 1)
        elif kind in _NUMBERS:
            found.setdefault(number, value)
    return found


def oid_of(value: Any) -> Oid | None:
    """The identifier of a standard in a CapabilityIdentifier."""
    kind, oid = value
    return tuple(oid) if kind == "standard" else None
