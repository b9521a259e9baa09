"""Passwords of accounts, checked as often as is allowed; unknown names take as long as wrong passwords. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from auth8021x.eapserver.account import Account, Book, spellings
from auth8021x.eapserver.step import Failed, Moment, Passed
from auth8021x.eapserver.tries import Tries
from crypto.nt_hash import NtHash
from crypto.secret import Secret

Credential = TypeVar("Credential")


class Passwords:
    """One for the server. `nobody` is 16 random octets: the password of those who have none."""

    def __init__(self, book: Book, tries: Tries, nobody: bytes) -> None:
        self._book = book
        self._tries = tries
        self._no_hash = NtHash(nobody)
        self._no_password = Secret(nobody.hex())

    def by_hash(self, identity: str, moment: Moment, is_right: Callable[[NtHash], bool]) -> Passed | Failed:
        """Whether a proof belongs to the password of this name."""
        account = self._find(identity)
        credential = account.nt_hash if account is not None else None
        return self._check(identity, moment, account, credential, self._no_hash, is_right)

    def by_password(self, identity: str, moment: Moment, is_right: Callable[[Secret], bool]) -> Passed | Failed:
        """The same for proofs that need it in clear."""
        account = self._find(identity)
        credential = account.password if account is not None else None
        return self._check(identity, moment, account, credential, self._no_password, is_right)

    def _find(self, identity: str) -> Account | None:
        found = (self._book.account(name) for name in spellings(identity) if name)
        return next((account for account in found if account is not None), None)

    def _check(
        self, identity: str, moment: Moment, account: Account | None, credential: Credential | None,
        nobody: Credential, is_right: Callable[[Credential], bool],
    ) -> Passed | Failed:  # fmt: skip
        holds = is_right(nobody if credential is None else credential)
        if account is None:
            # Not counted: nobody gets in under it, and whoever invents names must not push others out of the table.
            return Failed("unknown-identity", identity=identity)
        if self._tries.are_spent(account.identity, moment.station, moment.now):
            return Failed("too-many-tries", identity=account.identity)
        if holds and credential is not None:
            self._tries.passed(account.identity, moment.station)
            return Passed(account.identity)
        self._tries.failed(account.identity, moment.station, moment.now)
        return Failed("no-password" if credential is None else "wrong-password", identity=account.identity)
