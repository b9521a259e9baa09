"""The account by which our terminal signs its calls (H.235.1), and checks that the answer is signed likewise."""

from __future__ import annotations

from config.h323 import H323Settings
from crypto.h235.password_key import PasswordKey
from signaling.h323.ras.admission import Account
from signaling.h323.signatures import Signatures


class OwnAccount:
    """Everybody whom we call knows us by one name and one password."""

    def __init__(self, alias: str, password: str) -> None:
        self._account = Account(alias, PasswordKey.of(password))

    def account_of(self, _alias: str) -> Account:
        """Under whose key messages from or for this alias are signed."""
        return self._account


def signatures_of(alias: str, password: str) -> Signatures | None:
    """None for a terminal that signs nothing. What an answer is signed for is our alias."""
    if not password:
        return None
    return Signatures(H323Settings(gatekeeper_id=alias), OwnAccount(alias, password))
