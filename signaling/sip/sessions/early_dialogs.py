"""The dialogs that an INVITE of ours may become: one for each fork that answered (RFC 3261 12.1.2, 13.2.2), pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from signaling.errors import SipError
from signaling.sip.sessions.dialog import Dialog, uac_dialog
from signaling.sip.sessions.reliable import ReliableReceiver
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import to_of
from signaling.sip.wire.message import Request, Response
from signaling.sip.wire.uri import Uri

MAX_FORKS = 8
"""A proxy that invents more is not followed; their provisional responses are shown, but make no dialog."""
MAX_ANSWERS = 32
"""Forks with a 2xx; further ones are not even hung up on."""


@dataclass(slots=True)
class Fork:
    """One of those whom our INVITE has reached."""

    dialog: Dialog
    reliable: ReliableReceiver = field(default_factory=ReliableReceiver)
    ack: Request | None = None
    """The ACK of its 2xx, for when that comes again."""


class EarlyDialogs:
    """By the tag of the peer; each has the route set and target that its own responses name."""

    def __init__(self) -> None:
        self._forks: dict[str, Fork] = {}

    def __iter__(self) -> Iterator[Fork]:
        return iter(self._forks.values())

    def clear(self) -> None:
        """The INVITE is sent anew."""
        self._forks.clear()

    def receive(self, invite: Request, response: Response, flow: Flow, contact: Uri) -> Fork | None:
        """The fork that a response with a To tag comes from, made or refreshed; None where it cannot be used."""
        tag = to_of(response.headers).tag
        if not tag:
            return None
        fork = self._forks.get(tag)
        try:
            fresh = uac_dialog(invite, response, flow, contact)
        except SipError:
            return None
        if fork is None:
            if len(self._forks) >= (MAX_FORKS if response.status < 200 else MAX_ANSWERS):
                return None
            fork = self._forks[tag] = Fork(fresh)
            if invite.body:
                fork.dialog.offers.sent_offer(invite.body)
        elif response.status >= 200:  # the route set is that of the 2xx (13.2.2.4)
            fork.dialog.route_set = fresh.route_set
            fork.dialog.learn(response.headers)
        elif "Contact" in response.headers:
            fork.dialog.learn(response.headers)
        return fork
