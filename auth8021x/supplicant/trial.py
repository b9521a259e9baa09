"""Would they get in? One login through RADIUS servers, asked and judged as our own ports do it (RFC 3579, RFC 2865)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from auth8021x.errors import MalformedPacketError, NoAnswerError
from auth8021x.pae.conversation import Conversation
from auth8021x.pae.grant import Grant, read_grant
from auth8021x.pae.nas import NasPort
from auth8021x.radius.accounting import Asker
from auth8021x.radius.request import Answered, Request
from auth8021x.supplicant.peer import Peer
from auth8021x.wire import attribute, eap, mac_address
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.eap import Eap
from crypto.secret import Secret

MAX_BEGINNINGS: Final = 2
"""A conversation is begun anew once, where the server that knew it is silent: another one may be there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    server: str
    """Who decided."""
    grant: Grant | None
    """What our port would have been told; None: it would stay closed."""
    reason: str = ""
    """Why it would, as counter and portal call it."""
    rounds: int = 1
    """Requests that were answered."""
    took_s: float = 0.0
    messages: tuple[str, ...] = ()
    """Reply-Message (RFC 2865 5.18): what the server wants people to read."""
    is_excused: bool = False
    """Answers came without Message-Authenticator, which the settings allow this server."""


class Trial:
    """`port`, `terminal`: where servers are told that the login comes from. `clock` gives seconds."""

    def __init__(self, asker: Asker, port: NasPort, terminal: bytes, clock: Callable[[], float]) -> None:
        self._asker = asker
        self._port = port
        self._terminal = terminal
        self._clock = clock

    async def by_eap(self, begin: Callable[[], Peer]) -> tuple[Outcome, Peer]:
        """`begin` makes a peer. Raises NoAnswerError."""
        began_at = self._clock()
        for left in reversed(range(MAX_BEGINNINGS)):
            run = _Run(self._asker, self._port, self._terminal, begin())
            try:
                outcome = await run.to_the_end()
            except NoAnswerError:
                if not left or run.conversation.is_first:
                    raise
                continue
            return replace(outcome, took_s=self._clock() - began_at), run.peer
        raise AssertionError("the last beginning returns or raises")

    async def by_password(self, name: str, password: Secret) -> Outcome:
        """User-Password (PAP, RFC 2865 5.2), as old devices do it. Raises NoAnswerError."""
        attributes = self._port.for_eap(self._terminal, name.encode())
        return await self._without_eap(attributes, name, password.reveal().encode())

    async def by_address(self) -> Outcome:
        """By its MAC address alone (Call-Check, RFC 3580 3.5). Raises NoAnswerError."""
        name = mac_address.user_name(self._terminal)
        return await self._without_eap(self._port.for_bypass(self._terminal), name, name.encode())

    async def _without_eap(self, attributes: tuple[Attribute, ...], name: str, password: bytes) -> Outcome:
        began_at = self._clock()
        answered = await self._asker.ask(Request(Code.ACCESS_REQUEST, attributes, password))
        grant, reason = _judged(answered, name)
        return replace(_outcome(answered, grant, reason, 1), took_s=self._clock() - began_at)


class _Run:
    """One conversation."""

    def __init__(self, asker: Asker, port: NasPort, terminal: bytes, peer: Peer) -> None:
        self.peer = peer
        self.conversation = Conversation()
        self._asker = asker
        self._port = port
        self._terminal = terminal

    async def to_the_end(self) -> Outcome:
        response, rounds = self.peer.identify(), 0
        while True:
            answered = await self._asker.ask(self._request(response))
            rounds += 1
            ruling = self.conversation.rule(answered.server, answered.packet)
            if ruling.code != eap.Code.REQUEST:
                return _outcome(answered, ruling.grant, ruling.reason, rounds)
            response = self.peer.respond(ruling.packet)

    def _request(self, response: Eap) -> Request:
        conversation = self.conversation
        is_later = not conversation.is_first
        conversation.responded(response)
        attributes = (
            *self._port.for_eap(self._terminal, conversation.identity), *conversation.attributes(response)
        )  # fmt: skip
        return Request(Code.ACCESS_REQUEST, attributes, server=conversation.server, can_begin_anew=is_later)


def _judged(answered: Answered, name: str) -> tuple[Grant | None, str]:
    """What an answer without EAP grants, or why it grants nothing."""
    if answered.packet.code == Code.ACCESS_REJECT:
        return None, "rejected"
    if answered.packet.code == Code.ACCESS_CHALLENGE:
        return None, "challenged"
    if attribute.first(answered.packet.attributes, Type.EAP_MESSAGE) is not None:
        return None, "malformed-answer"
    try:
        return read_grant(answered.packet.attributes, name), ""
    except MalformedPacketError:
        return None, "malformed-answer"


def _outcome(answered: Answered, grant: Grant | None, reason: str, rounds: int) -> Outcome:
    texts = [
        attribute.first_text((each,), Type.REPLY_MESSAGE)
        for each in answered.packet.attributes
        if each.type == Type.REPLY_MESSAGE
    ]
    messages = tuple(text for text in texts if text)
    return Outcome(answered.server, grant, reason, rounds, messages=messages, is_excused=answered.is_excused)
