"""Relays for browsers behind walls: credentials that run out, made from a secret shared with the TURN server.

The scheme is draft-uberti-behave-turn-rest-00 2.2, as coturn's use-auth-secret has it: the user name is the time of
expiry and an identity, the password is the HMAC-SHA1 of the user name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from crypto.secret import Secret
from signaling.webrtc.protocol import IceServer


@dataclass(frozen=True, slots=True)
class Relays:
    """The TURN and STUN servers that the settings name. The secret is not shown."""

    urls: tuple[str, ...] = ()
    secret: Secret = field(default=Secret(""), repr=False)
    lifetime_s: int = 14_400
    is_relay_only: bool = False
    """Browsers are to use nothing else."""

    def issue(self, identity: str, now_unix_s: float) -> tuple[IceServer, ...]:
        """What one browser is told, with credentials of its own; `identity` is for the TURN server's log."""
        stun = tuple(url for url in self.urls if url.startswith("stun"))
        turn = tuple(url for url in self.urls if url.startswith("turn"))
        found = [IceServer(stun)] if stun else []
        if turn:
            username, credential = credentials(identity, self.secret, int(now_unix_s) + self.lifetime_s)
            found.append(IceServer(turn, username, credential))
        return tuple(found)


def credentials(identity: str, secret: Secret, expires_unix_s: int) -> tuple[str, str]:
    """User name and password, good until then."""
    username = f"{expires_unix_s}:{identity}"
    digest = hmac.new(secret.reveal().encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()
