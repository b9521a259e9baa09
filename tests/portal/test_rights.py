"""Who may what, as a table: today's accounts as they always were, the roles that they stand for, and single places."""

from dataclasses import replace

import pytest

from portal.principal import Principal
from portal.rights import RIGHTS, Access, may, rights_of
from portal.roles import Grant, Role, roles_of_account

RIGHTS_ALONE = set(Access) - {Access.PUBLIC, Access.SESSION}
ACCOUNTS = {
    "admin": RIGHTS_ALONE,
    "host": {"see-rooms", "control-conferences", "see-terminals"},
    "reviewer": {"review-recordings"},
    "system-admin": {"see-rooms", "edit-rooms", "see-terminals", "edit-terminals", "see-metrics"},
    "security-admin": {"see-terminals", "control-network"},
    "auditor": set(),
    "Admin": set(),
    "root": set(),
    "": set(),
}


def somebody(account: str = "", **values: object) -> Principal:
    return replace(Principal(1, "Wang", roles_of_account(account), 7, "password", "192.0.2.1"), **values)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_matrix(account):
    principal = somebody(account)
    assert {right for right in RIGHTS_ALONE if may(principal, right)} == ACCOUNTS[account]
    assert {right for right in RIGHTS_ALONE if may(principal, right, room="1001")} == ACCOUNTS[account]
    assert rights_of(principal) == ACCOUNTS[account]
    assert may(principal, Access.SESSION) and may(principal, Access.PUBLIC)


def test_strangers_and_who_has_no_password_of_its_own():
    assert [right for right in Access if may(None, right)] == [Access.PUBLIC]
    newcomer = somebody("admin", must_change=True)
    assert [right for right in Access if may(newcomer, right)] == [Access.PUBLIC, Access.SESSION]
    assert rights_of(newcomer) == RIGHTS_ALONE


def test_every_right_is_somebodys_and_no_single_administrator_has_all():
    assert set(RIGHTS) == set(Role)
    assert frozenset().union(*RIGHTS.values()) == RIGHTS_ALONE
    for role in (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR):
        assert not RIGHTS[role] & {Access.CONTROL_CONFERENCES, Access.REVIEW_RECORDINGS}


GRANTS = [
    # where the role of a host is granted; room and organisation that are asked for -> does it hold?
    (Grant(Role.HOST, room="1001"), "1001", "", True),
    (Grant(Role.HOST, room="1001"), "1002", "", False),
    (Grant(Role.HOST, room="1001"), "", "", False),
    (Grant(Role.HOST, organisation="north"), "1001", "north", True),
    (Grant(Role.HOST, organisation="north"), "1001", "south", False),
    (Grant(Role.HOST, organisation="north"), "1001", "", False),
    (Grant(Role.HOST, room="1001", organisation="north"), "1001", "north", True),
    (Grant(Role.HOST, room="1001", organisation="north"), "1001", "south", False),
    (Grant(Role.HOST), "", "", True),
]


@pytest.mark.parametrize(("grant", "room", "organisation", "holds"), GRANTS)
def test_a_role_in_one_place_holds_there_alone(grant, room, organisation, holds):
    principal = somebody("reviewer", grants=frozenset({grant}))
    assert may(principal, Access.CONTROL_CONFERENCES, room, organisation) is holds
    assert not may(principal, Access.EDIT_ROOMS, room, organisation)
    assert may(principal, Access.REVIEW_RECORDINGS, room, organisation)
    assert rights_of(principal) == {Access.REVIEW_RECORDINGS}
