"""Dynamic authorisation client: ends and changes sessions at switches that are not ours (RFC 5176 2)."""

from __future__ import annotations

import time
from collections.abc import Callable

from auth8021x.errors import MalformedPacketError, NoAnswerError
from auth8021x.radius.accounting import Asker
from auth8021x.radius.dynamic_outcome import Outcome
from auth8021x.radius.request import Request
from auth8021x.wire import attribute
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import Code, Type


class DynamicOrders:
    """Sends orders to one switch after the other; `asker` knows the switches by their names."""

    def __init__(self, asker: Asker, wall_clock: Callable[[], float] = time.time) -> None:
        self._asker = asker
        self._wall_clock = wall_clock

    async def disconnect(self, switch: str, session: tuple[Attribute, ...]) -> Outcome:
        """End the session that the attributes name."""
        return await self._order(Code.DISCONNECT_REQUEST, switch, session)

    async def change(self, switch: str, session: tuple[Attribute, ...], changes: tuple[Attribute, ...]) -> Outcome:
        """Change the session that the attributes name."""
        return await self._order(Code.COA_REQUEST, switch, (*session, *changes))

    async def _order(self, code: Code, switch: str, attributes: tuple[Attribute, ...]) -> Outcome:
        stamp = attribute.number(Type.EVENT_TIMESTAMP, int(self._wall_clock()))
        try:
            answered = await self._asker.ask(Request(code, (stamp, *attributes), server=switch))
        except NoAnswerError:
            return Outcome(is_done=False, has_answer=False)
        try:
            cause = attribute.first_number(answered.packet.attributes, Type.ERROR_CAUSE)
        except MalformedPacketError:
            cause = None
        return Outcome(answered.packet.code in (Code.DISCONNECT_ACK, Code.COA_ACK), cause)
