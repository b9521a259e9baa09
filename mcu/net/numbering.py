"""Random beginnings: SSRCs, sequence numbers, timestamps, ICE credentials, CNAMEs (RFC 3550 5.1, RFC 8445 5.3)."""

from __future__ import annotations

import base64
import secrets

from mcu.net.ice import Credentials
from mcu.net.sender import Numbers


def draw_numbers() -> Numbers:
    """For one sending stream. Sequence numbers start in the lower half: RFC 3711 3.3.1 and a joiner's first loss."""
    return Numbers(
        ssrc=_ssrc(),
        rtx_ssrc=_ssrc(),
        first_sequence=secrets.randbelow(1 << 15),
        first_timestamp=secrets.randbits(32),
        first_rtx_sequence=secrets.randbelow(1 << 15),
    )


def draw_credentials() -> Credentials:
    """RFC 8445 5.3: at least 24 and 128 random bits, from the alphabet of ice-char."""
    return Credentials(_ice_chars(6), _ice_chars(18))


def draw_cname() -> str:
    """RFC 7022 4.2: 96 random bits for one session."""
    return base64.b64encode(secrets.token_bytes(12)).decode()


def _ssrc() -> int:
    return secrets.randbits(32) or 1


def _ice_chars(size_bytes: int) -> str:
    return base64.b64encode(secrets.token_bytes(size_bytes)).decode()
