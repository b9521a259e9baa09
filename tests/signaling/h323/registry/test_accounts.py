"""Whose alias it is, and whether who registered still may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.h235.password_key import PasswordKey
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.ras.registration import Registration, Vendor
from signaling.h323.registry.accounts import TerminalAccounts
from signaling.h323.registry.rights import RegistrationRights

KEY = PasswordKey.of("quiet-lantern-7")


class Directory:
    """ward-3 may register; nobody has the key of the others."""

    def __init__(self, *without_key: str) -> None:
        self.keys: dict[str, PasswordKey | None] = {"ward-3": KEY, **dict.fromkeys(without_key)}

    def has(self, alias: str) -> bool:
        return alias in self.keys

    def key_of(self, alias: str) -> PasswordKey | None:
        return self.keys.get(alias)


def registration(account: str = "", *names: str) -> Registration:
    aliases = tuple(Alias(AliasKind.H323_ID, name) for name in names or ("ward-3",))
    place = ("192.0.2.10", 1720)
    return Registration(
        "e1", aliases, place, place, place, "", account, "", 5, Vendor(), "terminal", frozenset(), 300, 1.0, 1.0
    )


@pytest.mark.parametrize("alias", ["ward-3", "Ward-3", "WARD-3"])
def test_an_alias_is_the_terminals_however_it_is_written(alias: str) -> None:
    account = TerminalAccounts(Directory()).account_of(alias)
    assert account is not None
    assert (account.name, account.key) == ("ward-3", KEY)


def test_an_alias_of_nobody() -> None:
    assert TerminalAccounts(Directory()).account_of("7003") is None


def test_names_of_terminals_that_may_not_register_are_not_free() -> None:
    """Disabled ones, and those whose secret is older than H.323."""
    accounts = TerminalAccounts(Directory("off"))
    account = accounts.account_of("off")
    assert account is not None
    assert account.key not in (PasswordKey.of(""), PasswordKey(b""))
    assert account.key != TerminalAccounts(Directory("off")).account_of("off").key


@pytest.mark.parametrize(
    ("authentication", "found", "holds"),
    [
        ("required", registration("ward-3"), True),
        ("required", registration("off", "off"), False),
        ("required", registration("removed", "removed"), False),
        ("required", registration("", "7003"), False),
        ("known", registration("", "7003"), True),
        ("known", registration("", "7003", "Ward-3"), False),
        ("known", registration("", "off"), False),
        ("known", registration("off", "off"), False),
        ("off", registration("", "ward-3"), True),
        ("off", registration("removed", "removed"), True),
    ],
)
def test_what_still_holds(authentication, found: Registration, holds: bool) -> None:
    directory = Directory("off")
    rights = RegistrationRights(authentication, directory, TerminalAccounts(directory))
    assert rights.holds(found) is holds
    assert rights.holds(replace(found, refreshed_at=2.0)) is holds
