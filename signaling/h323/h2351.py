"""The baseline security profile of H.235.1: a keyed hash over a whole RAS or call signalling message.

The token is a nestedcryptoToken with a cryptoHashedToken. Its hash covers the octets of the message as they travel,
with the twelve octets of the hash itself zero: a receiver works on what came and never on what it would encode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from crypto.h235.password_key import HASH_BYTES, PasswordKey

Oid = tuple[int, ...]

WHOLE_MESSAGE: Final[Oid] = (0, 0, 8, 235, 0, 2, 1)
""" "A": all fields of the message are hashed (H.235.1)."""
CLEAR_TOKEN: Final[Oid] = (0, 0, 8, 235, 0, 2, 5)
""" "T": the ClearToken goes with a hash."""
HMAC_SHA1_96: Final[Oid] = (0, 0, 8, 235, 0, 2, 6)
""" "U"."""
_VERSION_ARC: Final = 5
"""The digit that tells versions of H.235 apart: 1 and 2 and later ones mean the same profile."""
_EMPTY: Final = bytes(HASH_BYTES)
_FULL: Final = b"\xff" * HASH_BYTES
_HASH_BITS: Final = 8 * HASH_BYTES
MAX_TOKENS: Final = 8
"""Tokens of one message that are looked at."""
_MAX_PLACES: Final = 4
"""Places where the octets of a hash are looked for: more than one is an accident or an attack."""
MAX_RANDOM: Final = 2**31 - 1
"""Of the counter that we write: every peer reads so many bits."""


class Fault(Enum):
    """What is wrong with a token; the value is the name in SecurityErrors (H.225.0), "" where none may be said."""

    ABSENT = ""
    INTEGRITY = "securityIntegrityFailed"
    """Another key, another message, or a terminal that nobody knows: the same answer for all of them."""
    TIME = "securityWrongSyncTime"
    REPLAY = "securityReplay"
    GENERAL_ID = "securityWrongGeneralID"
    SENDERS_ID = "securityWrongSendersID"


@dataclass(frozen=True, slots=True)
class HashedToken:
    """What a cryptoHashedToken says; an identifier that is not there is ""."""

    timestamp_s: int
    random: int
    general_id: str
    """Whom the message is for."""
    senders_id: str
    digest: bytes = field(repr=False)


def find(crypto_tokens: Iterable[Any] | None) -> HashedToken | None:
    """The token of this profile among the cryptoTokens of a message, as pycrate gives them; None without one."""
    for _, token in zip(range(MAX_TOKENS), crypto_tokens or (), strict=False):
        found = _parse(token)
        if found is not None:
            return found
    return None


def without(crypto_tokens: Iterable[Any]) -> list[Any]:
    """The tokens of other profiles: one of this profile holds for one hop and for the message as it came."""
    return [token for token in crypto_tokens if not _is_of_profile(token)]


def token(timestamp_s: int, random: int, general_id: str, senders_id: str, digest: bytes = _EMPTY) -> Any:
    """The item of cryptoTokens, for pycrate. Identifiers that are "" are left out."""
    clear: dict[str, Any] = {"tokenOID": CLEAR_TOKEN, "timeStamp": timestamp_s, "random": random}
    if general_id:
        clear["generalID"] = general_id
    if senders_id:
        clear["sendersID"] = senders_id
    hashed = {
        "algorithmOID": HMAC_SHA1_96,
        "paramS": {},
        "hash": (int.from_bytes(digest, "big"), _HASH_BITS),
    }
    body = {"tokenOID": WHOLE_MESSAGE, "hashedVals": clear, "token": hashed}
    return ("nestedcryptoToken", ("cryptoHashedToken", body))


def sign(key: PasswordKey, encode: Callable[[bytes], bytes]) -> bytes:
    """The octets of a message with its hash in place. `encode(hash)` gives them with any 12 octets as the hash.

    Two encodings, one with zeros and one with ones, show where the hash lies, whatever else a peer made us repeat.
    Raises ValueError where they do not: a fault of the caller.
    """
    zeroed, full = encode(_EMPTY), encode(_FULL)
    place = next((index for index, pair in enumerate(zip(zeroed, full, strict=True)) if pair[0] != pair[1]), -1)
    end = place + HASH_BYTES
    if place < 0 or full != zeroed[:place] + _FULL + zeroed[end:]:
        raise ValueError("a message whose hash is not twelve octets of their own")
    return zeroed[:place] + key.hmac(zeroed) + zeroed[end:]


def is_genuine(key: PasswordKey, found: HashedToken, octets: bytes) -> bool:
    """Whether the hash is the one that this key gives the message, whose octets are those that came."""
    return any(key.is_hash_of(zeroed, found.digest) for zeroed in _zeroed(found.digest, octets))


def is_same_oid(oid: Any, expected: Oid) -> bool:
    """Whether they agree in everything but the version digit."""
    if not isinstance(oid, tuple) or len(oid) != len(expected):
        return False
    return oid[:_VERSION_ARC] == expected[:_VERSION_ARC] and oid[_VERSION_ARC + 1 :] == expected[_VERSION_ARC + 1 :]


def _parse(value: Any) -> HashedToken | None:
    match value:
        case ("nestedcryptoToken", ("cryptoHashedToken", {"tokenOID": profile, "hashedVals": clear, "token": hashed})):
            pass
        case _:
            return None
    digest, bits = hashed["hash"]
    is_ours = (
        is_same_oid(profile, WHOLE_MESSAGE)
        and is_same_oid(clear["tokenOID"], CLEAR_TOKEN)
        and is_same_oid(hashed["algorithmOID"], HMAC_SHA1_96)
        and bits == _HASH_BITS
    )
    # Without time and counter nothing tells a message from its repetition (H.235.1).
    if not is_ours or "timeStamp" not in clear or "random" not in clear:
        return None
    general_id, senders_id = (_identifier(clear.get(name, "")) for name in ("generalID", "sendersID"))
    return HashedToken(clear["timeStamp"], clear["random"], general_id, senders_id, digest.to_bytes(HASH_BYTES, "big"))


def _is_of_profile(value: Any) -> bool:
    match value:
        case ("nestedcryptoToken", ("cryptoHashedToken", {"tokenOID": profile})):
            return is_same_oid(profile, WHOLE_MESSAGE)
        case _:
            return False


def _identifier(text: str) -> str:
    """Some terminals count a terminating zero as part of it."""
    return text.rstrip("\0")


def _zeroed(digest: bytes, octets: bytes) -> Iterator[bytes]:
    start = 0
    for _ in range(_MAX_PLACES):
        place = octets.find(digest, start)
        if place < 0:
            return
        yield octets[:place] + _EMPTY + octets[place + HASH_BYTES :]
        start = place + 1
