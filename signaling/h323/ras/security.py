"""Who sent a request, and the signature under an answer: H.235.1 within RAS (H.225.0 7.9, H.235.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from config.h323 import H323Settings
from crypto.h235.password_key import PasswordKey
from signaling.h323 import h2351, per
from signaling.h323.h2351 import Fault, HashedToken
from signaling.h323.ras.admission import Account, Accounts
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.replays import ReplayMemory

_SIGNED: Final = frozenset({"registrationRequest", "admissionRequest"})
"""What every terminal with H.235.1 signs; h323plus signs nothing else."""
_SECURITY_ERROR_VERSION: Final = 5
"""Of H.225.0: older terminals know securityDenial alone."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Who signed a request, and as whom; nobody where `account` is None."""

    account: Account | None = None
    senders_id: str = ""


NOBODY: Final = Proof()
_NOBODYS_KEY: Final = PasswordKey(b"")


class Guard:
    """Checks tokens and signs; `now` is UTC in seconds."""

    def __init__(self, settings: H323Settings, accounts: Accounts) -> None:
        self._settings = settings
        self._accounts = accounts
        self._replays = ReplayMemory(settings.clock_skew_s)
        self._random = 0

    @property
    def is_on(self) -> bool:
        """Whether tokens are looked at."""
        return self._settings.authentication != "off"

    def account_of(self, aliases: Iterable[Alias]) -> Account | None:
        """The first account among these aliases."""
        found = (self._accounts.account_of(alias.text) for alias in aliases)
        return next((account for account in found if account is not None), None)

    def check(
        self, name: str, body: Any, octets: bytes, owner: str, aliases: tuple[Alias, ...], now: float
    ) -> Proof | Fault:
        """Who sent this: `owner` is the account that the endpoint registered with, "" for none or before."""
        if not self.is_on:
            return NOBODY
        token = h2351.find(body.get("cryptoTokens"))
        if token is None:
            return Fault.ABSENT if self._must_sign(name, owner, aliases) else NOBODY
        account = self._account(token, owner, aliases)
        # Names that nobody has take as long as wrong passwords.
        is_genuine = h2351.is_genuine(account.key if account else _NOBODYS_KEY, token, octets)
        if account is None or not is_genuine:
            return Fault.INTEGRITY
        if token.general_id and token.general_id != self._settings.gatekeeper_id and name != "gatekeeperRequest":
            return Fault.GENERAL_ID
        fault = self._replays.check(account.name, token, int(now))
        return fault if fault is not None else Proof(account, token.senders_id)

    def encode(self, value: Any, proof: Proof, now: float) -> bytes:
        """The octets of a message of ours, signed for whoever `proof` names, unsigned for nobody."""
        account = proof.account
        if account is None:
            return per.encode(per.Type.RAS, value)
        name, body = value
        self._random = self._random % h2351.MAX_RANDOM + 1
        random = self._random

        def encode(digest: bytes) -> bytes:
            us = self._settings.gatekeeper_id
            token = h2351.token(int(now), random, proof.senders_id, us, digest)
            return per.encode(per.Type.RAS, (name, {**body, "cryptoTokens": [token]}))

        return h2351.sign(account.key, encode)

    def _must_sign(self, name: str, owner: str, aliases: tuple[Alias, ...]) -> bool:
        """A terminal that has a password, or has to have one, must show it."""
        if name not in _SIGNED and not self._settings.must_sign_all:
            return False
        is_required = self._settings.authentication == "required"
        return is_required or bool(owner) or self.account_of(aliases) is not None

    def _account(self, token: HashedToken, owner: str, aliases: tuple[Alias, ...]) -> Account | None:
        """By the account it registered with, by what it calls itself, or by its aliases where it says nothing.

        AudioCodes and Innovaphone leave identifiers out.
        """
        if owner:
            return self._accounts.account_of(owner)
        if token.senders_id:
            named = self._accounts.account_of(token.senders_id)
            if named is not None:
                return named
        return self.account_of(aliases)


def rejection(fault: Fault, version: int) -> tuple[str, Any]:
    """The reason in a reject for a bad token.

    Only those who showed the right key hear more than securityDenial: names and passwords cannot be told apart by it.
    """
    if version < _SECURITY_ERROR_VERSION or fault in (Fault.ABSENT, Fault.INTEGRITY):
        return ("securityDenial", 0)
    return ("securityError", (fault.value, 0))
