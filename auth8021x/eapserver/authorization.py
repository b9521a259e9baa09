"""What an Access-Accept grants (RFC 3580 3.17, 3.19, 3.31): by the group of the account. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from auth8021x.eapserver.account import Account
from auth8021x.wire import attribute, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import TerminationAction, Type
from config.dot1x_server import GroupSettings


class Authorization:
    """Groups from the settings. An account of a group that they do not have is granted nothing, not even to come in."""

    def __init__(self, groups: Sequence[GroupSettings], session_timeout_s: int) -> None:
        self._groups = {"": GroupSettings("none"), **{group.name: group for group in groups}}
        self._session_timeout_s = session_timeout_s

    def attributes(self, account: Account) -> tuple[Attribute, ...] | None:
        """For the Accept; None for an unknown group: who is to be kept apart must not be let in elsewhere."""
        group = self._groups.get(account.group)
        if group is None:
            return None
        granted = [
            attribute.text(Type.USER_NAME, account.identity),
            attribute.number(Type.SESSION_TIMEOUT, group.session_timeout_s or self._session_timeout_s),
            attribute.number(Type.TERMINATION_ACTION, TerminationAction.RADIUS_REQUEST),
        ]
        if group.vlan:
            granted += tunnel.vlan_attributes(group.vlan)
        if group.filter_id:
            granted.append(attribute.text(Type.FILTER_ID, group.filter_id))
        return tuple(granted)
