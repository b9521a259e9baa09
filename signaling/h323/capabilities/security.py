"""H.235.6 in capabilities and data types: which algorithms encrypt a medium (H.235.6 8.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crypto.h235.algorithm import Algorithm

_OIDS = {algorithm: tuple(int(part) for part in algorithm.value.split(".")) for algorithm in Algorithm}
_ALGORITHMS = {oid: algorithm for algorithm, oid in _OIDS.items()}


def write(algorithms: Iterable[Algorithm]) -> dict[str, Any]:
    """EncryptionAuthenticationAndIntegrity."""
    return {"encryptionCapability": [("algorithm", _OIDS[algorithm]) for algorithm in algorithms]}


def read(value: Any) -> tuple[Algorithm, ...]:
    """The algorithms that we speak, in the peer's order; DES and others are passed over."""
    named = [tuple(oid) for kind, oid in value.get("encryptionCapability", ()) if kind == "algorithm"]
    return tuple(dict.fromkeys(_ALGORITHMS[oid] for oid in named if oid in _ALGORITHMS))


def entry(medium: int, algorithms: Iterable[Algorithm]) -> tuple[str, Any]:
    """The h235SecurityCapability of table entry `medium`."""
    body = {"encryptionAuthenticationAndIntegrity": write(algorithms), "mediaCapability": medium}
    return ("h235SecurityCapability", body)


def wrap(data_type: Any, algorithm: Algorithm) -> tuple[str, Any]:
    """The DataType of a channel that is encrypted."""
    return ("h235Media", {"encryptionAuthenticationAndIntegrity": write([algorithm]), "mediaType": data_type})


def unwrap(data_type: Any) -> tuple[Any, tuple[Algorithm, ...], bool]:
    """The medium inside, its algorithms, and whether it is encrypted at all."""
    name, body = data_type
    if name != "h235Media":
        return data_type, (), False
    return body["mediaType"], read(body["encryptionAuthenticationAndIntegrity"]), True
