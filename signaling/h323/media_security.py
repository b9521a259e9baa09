"""Agreeing on encrypted media (H.235.6): half keys in the tokens of Setup and Connect, session keys in encryptionSync.

Values are those of per.py. One object serves one call; the H.245 master makes the keys of all channels.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crypto.h235.algorithm import Algorithm
from crypto.h235.diffie_hellman import DH_1024, GROUPS, Group, HalfKeyError, KeyAgreement, key_encryption_key
from crypto.h235.session_key import SessionKeyError, unwrap, wrap
from signaling.h323 import per
from signaling.h323.errors import MalformedPduError

H235_VERSION_3 = "0.0.8.235.0.3.24"
"""The token that says so (H.235.0 6.3); terminals expect it beside the half keys."""
_DH_KEY_EXT = "_ext_4"
"""dhkeyext, by its place among the additions of ClearToken (H.235.0, 2014)."""
_MAX_BITS_OF_DH_KEY = 2048
_MAX_TOKENS = 16

Token = Mapping[str, Any]


class MediaSecurity:
    """`groups` are those that the room's policy allows, of GROUPS."""

    def __init__(self, groups: Sequence[Group] = tuple(GROUPS.values())) -> None:
        self._groups = {group.oid: group for group in groups}
        self._agreements: dict[str, KeyAgreement] = {}
        self._secret = b""
        self.group: Group | None = None
        """The one that was agreed on."""

    # ---- half keys

    def offer(self) -> list[Token]:
        """The tokens of a Setup of ours: a half key of every group."""
        for oid, group in self._groups.items():
            self._agreements.setdefault(oid, KeyAgreement(group))
        return _tokens(self._agreements.values())

    def answer(self, tokens: Iterable[Token]) -> list[Token]:
        """The tokens of our Connect for those of a Setup: the strongest group in common; none where there is none."""
        for group, half_key in _half_keys(tokens, self._groups):
            agreement = KeyAgreement(group)
            if self._agree(agreement, half_key):
                return _tokens([agreement])
        return []

    def accept(self, tokens: Iterable[Token]) -> bool:
        """What the called one answered, in whichever message; whether there is a secret now."""
        for group, half_key in _half_keys(tokens, self._groups):
            agreement = self._agreements.get(group.oid)
            if agreement is not None and self._agree(agreement, half_key):
                break
        return self.is_agreed

    def _agree(self, agreement: KeyAgreement, half_key: bytes) -> bool:
        try:
            self._secret = agreement.secret(half_key)
        except HalfKeyError:
            return False
        self.group = agreement.group
        self._agreements.clear()
        return True

    @property
    def is_agreed(self) -> bool:
        """Whether session keys can be sent and read."""
        return self.group is not None

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """What media may be encrypted with, best first: the key is no longer than the group is strong (H.235.6 8.1)."""
        return () if self.group is None else _algorithms(self.group)

    @property
    def offered_algorithms(self) -> tuple[Algorithm, ...]:
        """What may come of half keys of ours that wait for an answer; none where none wait."""
        groups = [each.group for each in self._agreements.values()]
        return _algorithms(max(groups, key=lambda each: each.bits)) if groups else ()

    # ---- session keys

    def new_key(self, algorithm: Algorithm, payload_type: int) -> tuple[bytes, dict[str, Any]]:
        """A session key for one channel, and the encryptionSync that tells it; `payload_type` marks its packets."""
        session_key = secrets.token_bytes(algorithm.key_bytes)
        material = {
            "algorithmOID": _oid(algorithm.value),
            "paramS": {},
            "encryptedSessionKey": wrap(session_key, self._key(algorithm)),
        }
        key = per.encode(per.Type.H235_KEY, ("secureSharedSecret", material))
        return session_key, {"synchFlag": payload_type, "h235Key": key}

    def read_key(self, synchronization: Mapping[str, Any], algorithm: Algorithm) -> tuple[bytes, int]:
        """Session key and payload type out of the encryptionSync of the master. Raises MalformedPduError."""
        kind, material = per.decode(per.Type.H235_KEY, synchronization["h235Key"])
        if kind != "secureSharedSecret" or material.get("algorithmOID") not in (None, _oid(algorithm.value)):
            raise MalformedPduError(f"H235Key: {kind} of another algorithm")
        try:
            key = unwrap(material.get("encryptedSessionKey", b""), self._key(algorithm), algorithm)
        except SessionKeyError as error:
            raise MalformedPduError(f"H235Key: {error}") from error
        payload_type = synchronization["synchFlag"]
        if payload_type > 127:
            raise MalformedPduError(f"synchFlag {payload_type}")
        return key, payload_type

    def _key(self, algorithm: Algorithm) -> bytes:
        if not self._secret:
            raise ValueError("no key was agreed on")
        return key_encryption_key(self._secret, algorithm.key_bytes)

    def __repr__(self) -> str:
        return f"MediaSecurity(group={self.group and self.group.bits})"  # keys stay out of logs


def _algorithms(group: Group) -> tuple[Algorithm, ...]:
    if group == DH_1024:
        return (Algorithm.AES_128_CBC,)
    return (Algorithm.AES_256_CBC, Algorithm.AES_192_CBC, Algorithm.AES_128_CBC)


def _tokens(agreements: Iterable[KeyAgreement]) -> list[Token]:
    tokens: list[Token] = [{"tokenOID": _oid(each.group.oid), **_dh_key(each)} for each in agreements]
    return [*tokens, {"tokenOID": _oid(H235_VERSION_3)}] if tokens else []


def _dh_key(agreement: KeyAgreement) -> dict[str, Any]:
    group = agreement.group
    half_key = _bits(agreement.half_key)
    if group.bits > _MAX_BITS_OF_DH_KEY:
        return {_DH_KEY_EXT: per.encode(per.Type.DH_SET_EXT, {"halfkey": half_key})}
    empty = _bits(b"")
    prime, generator = empty, empty
    if group.names_parameters:
        prime, generator = (_bits(number.to_bytes(group.size, "big")) for number in (group.prime, 2))
    return {"dhkey": {"halfkey": half_key, "modSize": prime, "generator": generator}}


def _half_keys(tokens: Iterable[Token], allowed: Mapping[str, Group]) -> list[tuple[Group, bytes]]:
    """Groups that are allowed with the peer's half keys, strongest first."""
    found = []
    for _, token in zip(range(_MAX_TOKENS), tokens, strict=False):
        group = allowed.get(".".join(map(str, token["tokenOID"])))
        half_key = _half_key(token)
        if group is not None and half_key:
            found.append((group, half_key))
    return sorted(found, key=lambda each: -each[0].bits)


def _half_key(token: Token) -> bytes:
    """Of one token; empty where it has none that can be read."""
    dh_set = token.get("dhkey")
    if dh_set is None and _DH_KEY_EXT in token:
        try:
            dh_set = per.decode(per.Type.DH_SET_EXT, token[_DH_KEY_EXT])
        except MalformedPduError:
            return b""
    if dh_set is None:
        return b""
    number, bits = dh_set["halfkey"]
    octets: bytes = number.to_bytes(-(-bits // 8), "big")
    return octets


def _bits(octets: bytes) -> tuple[int, int]:
    """A BIT STRING of whole octets."""
    return int.from_bytes(octets, "big"), 8 * len(octets)


def _oid(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
