"""What an Access-Accept grants (RFC 3580 3.17, 3.19, 3.31): by the group of the account, and by who asks. Pure."""

from __future__ import annotations

from auth8021x.eapserver.account import Account
from auth8021x.eapserver.step import Failed
from auth8021x.wire import attribute, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import TerminationAction, Type
from config.dot1x_server import EapServerSettings, GroupSettings, RadiusClientSettings


class Authorization:
    """Groups from the settings.

    An account of a group that they do not have is granted nothing, not even to come in: who is to be kept apart must
    not be let in elsewhere.
    """

    def __init__(self, settings: EapServerSettings) -> None:
        self._groups = {"": GroupSettings("none"), **{group.name: group for group in settings.groups}}
        self._session_timeout_s = settings.session_timeout_s

    def grant(self, account: Account, client: RadiusClientSettings) -> tuple[Attribute, ...] | Failed:
        """The attributes for the Accept to this client."""
        group = self._groups.get(account.group)
        if group is None:
            return Failed("unknown-group", account.group, account.identity)
        if group.clients and client.name not in group.clients:
            return Failed("not-here", f"{account.group} at {client.name}", account.identity)
        granted = [
            attribute.text(Type.USER_NAME, account.identity),
            attribute.number(Type.SESSION_TIMEOUT, group.session_timeout_s or self._session_timeout_s),
            attribute.number(Type.TERMINATION_ACTION, TerminationAction.RADIUS_REQUEST),
        ]
        vlan = client.vlans.get(account.group, group.vlan)
        if vlan:
            granted += tunnel.vlan_attributes(vlan)
        if group.filter_id:
            granted.append(attribute.text(Type.FILTER_ID, group.filter_id))
        return tuple(granted)
