"""Aligned PER (X.691) of the types of H.225.0, H.245 and H.235, through pycrate.

Values are pycrate's: SEQUENCE a dict, CHOICE a pair of name and value, BIT STRING a pair of number and bits, OBJECT
IDENTIFIER a tuple of numbers, NULL 0; names are those of the standards. The types of pycrate keep the last value and
are shared: encode and decode from one thread only. A decoded value is the caller's own.
"""

# ruff: noqa: SLF001  (pycrate keeps its place in a class attribute, which an error leaves behind)

from __future__ import annotations

from enum import Enum
from typing import Any

from pycrate_asn1dir import H225, H235
from pycrate_asn1rt.codecs import ASN1CodecPER

from signaling.h323 import extensions, traversal_types
from signaling.h323.errors import MalformedPduError

MAX_BYTES = 16_383
"""Of one unit; a longer one would be fragmented, and nothing that a terminal has to say is as long."""


class Type(Enum):
    """The types that travel on their own, by their ASN.1 names."""

    RAS = "RasMessage"
    USER_INFORMATION = "H323-UserInformation"
    """What Q.931 carries in its User-User element (H.225.0 7.2.2.31)."""
    H245 = "MultimediaSystemControlMessage"
    OPEN_LOGICAL_CHANNEL = "OpenLogicalChannel"
    """An item of fastStart."""
    H235_KEY = "H235Key"
    """Within encryptionSync (H.245) as OCTET STRING."""
    INCOMING_CALL_INDICATION = "IncomingCallIndication"
    """Parameter of the H.460.18 feature."""
    TRAVERSAL_PARAMETERS = "TraversalParameters"
    """Parameter of the H.460.19 feature."""
    DH_SET_EXT = "DHsetExt"
    """dhkeyext of a ClearToken, for primes of more than 2048 bits: an addition that H.225.0's own H.235 lacks."""


_TYPES: dict[Type, Any] = {
    Type.RAS: H225.H323_MESSAGES.RasMessage,
    Type.USER_INFORMATION: H225.H323_MESSAGES.H323_UserInformation,
    Type.H245: H225.MULTIMEDIA_SYSTEM_CONTROL.MultimediaSystemControlMessage,
    Type.OPEN_LOGICAL_CHANNEL: H225.MULTIMEDIA_SYSTEM_CONTROL.OpenLogicalChannel,
    Type.H235_KEY: H225.H235_SECURITY_MESSAGES.H235Key,
    Type.INCOMING_CALL_INDICATION: traversal_types.IncomingCallIndication,
    Type.TRAVERSAL_PARAMETERS: traversal_types.TraversalParameters,
    Type.DH_SET_EXT: H235.H235_SECURITY_MESSAGES.DHsetExt,
}


def encode(kind: Type, value: Any) -> bytes:
    """The octets of a value. Raises ValueError when it is none of this type: a fault of the caller."""
    try:
        octets: bytes = _TYPES[kind].to_aper(value)
    except Exception as error:
        raise ValueError(f"no {kind.value}: {error}") from error
    finally:
        ASN1CodecPER._off.clear()
    if len(octets) > MAX_BYTES:
        raise ValueError(f"{kind.value} of {len(octets)} bytes")
    return octets


def decode(kind: Type, octets: bytes) -> Any:
    """The value of octets from a peer, up to MAX_BYTES. Raises MalformedPduError, whatever is wrong with them."""
    if not 0 < len(octets) <= MAX_BYTES:
        raise MalformedPduError(f"{kind.value} of {len(octets)} bytes")
    shared = _TYPES[kind]
    try:
        shared.from_aper(octets)
        return shared.get_val()
    except Exception as error:
        raise MalformedPduError(f"{kind.value}: {type(error).__name__}") from error
    finally:
        shared._val = None
        ASN1CodecPER._off.clear()


def _probe() -> Any:
    """A ReleaseComplete, whose root ends with the few bits of its reason, with its callIdentifier, an addition."""
    probe = H225.H323_MESSAGES.ReleaseComplete_UUIE
    value = {"protocolIdentifier": (0, 0, 8, 2250, 0, 5), "reason": ("undefinedReason", 0)}
    probe.set_val(value | {"callIdentifier": {"guid": bytes(range(16))}})
    return probe


if extensions.is_needed(_probe()):
    extensions.install()
