"""A call whose pictures were held because the machine was busy: they are offered when it is not."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from config.sip import SipSettings
from mcu.media import Kind
from signaling.errors import SipError
from signaling.sip.calls.conversation import SipConversation
from signaling.sip.calls.leg import SipLeg
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer_answer import Negotiation
from tests.signaling.fakes import FakeCalls, FakeGate, FakeWorker
from tests.signaling.sip import offers

HOST = "127.0.0.1"
PORTS = {Kind.AUDIO: (40000, 40001), Kind.VIDEO: (40002, 40003)}


class Call:
    """Answers each offer of ours as the terminal would, or refuses it."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.offers: list[bytes] = []
        self.refuses = refuses
        self.flow = SimpleNamespace(local=(HOST, 5060), remote=(HOST, 5062))

    async def reinvite(self, offer: bytes) -> bytes:
        self.offers.append(offer)
        if self.refuses:
            raise SipError(488, "Not Acceptable Here")
        return offers.BARESIP_SDES

    def count(self, event: str) -> None:
        pass


async def conversation(call: Call) -> SipConversation:
    services = SimpleNamespace(gate=FakeGate(), calls=FakeCalls(), floors=None, settings=SipSettings())
    talk = SipConversation(call, SipLeg(7, call), services)  # type: ignore[arg-type]
    talk.watch(FakeWorker())  # type: ignore[arg-type]
    held = frozenset({Kind.VIDEO})
    talk.negotiation = Negotiation(LocalMedia(HOST, PORTS, bytes, peer_address=HOST, held=held), 1)
    await talk.configure(talk.negotiation.answer(offers.BARESIP_SDES)[1])
    talk.is_settled = True
    return talk


def has_picture(talk: SipConversation) -> bool:
    stream = talk.leg.media.stream(Kind.VIDEO)
    return stream is not None and stream.send is not None and bool(stream.receive)


async def test_they_are_offered_once_and_flow_when_the_terminal_agrees() -> None:
    call, changes = Call(), []
    talk = await conversation(call)
    talk.on_media = lambda: changes.append(has_picture(talk))
    assert not has_picture(talk)
    for _ in range(2):
        talk.leg.pictures_allowed()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert (len(call.offers), changes) == (1, [True])
    talk.close()


async def test_a_terminal_that_refuses_keeps_its_sound() -> None:
    call = Call(refuses=True)
    talk = await conversation(call)
    talk.leg.pictures_allowed()
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(call.offers) == 1
    assert talk.leg.media.stream(Kind.AUDIO) is not None
    assert not has_picture(talk)
    assert talk.negotiation is not None
    assert not talk.negotiation.has_open_offer
    talk.close()
