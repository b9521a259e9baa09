"""Our own authenticator asks our own server: what one says the other understands."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth8021x.pae.conversation import Conversation, Ruling
from auth8021x.pae.grant import By, Grant, read_grant
from auth8021x.pae.nas import NasPort
from auth8021x.wire import eap
from auth8021x.wire.dictionary import Code, TerminationAction
from auth8021x.wire.eap import Eap, Method
from tests.auth8021x.eapserver.world import (
    ALL,
    MAC,
    Md5Peer,
    PeapPeer,
    Supplicant,
    Switch,
    TlsPeer,
    TtlsPeer,
    serving,
)

NAS = NasPort("ward", "192.0.2.1", 1, "p1", bytes.fromhex("02000000ff01"))
TOLD = {"filter_id": "telemed", "session_timeout_s": 600, "termination_action": TerminationAction.RADIUS_REQUEST}


def login(switch: Switch, peer: Supplicant) -> Ruling:
    """What the authenticator makes of it in the end."""
    conversation, response = Conversation(), Eap(eap.Code.RESPONSE, 0, Method.IDENTITY, peer.identity.encode())
    while True:
        conversation.responded(response)
        attributes = (*NAS.for_eap(MAC, conversation.identity), *conversation.attributes(response))
        answer = switch.send(switch.request(None, extra=attributes))
        assert answer is not None
        ruling = conversation.rule("embedded", answer)
        if ruling.packet.code != eap.Code.REQUEST:
            return ruling
        kind, data = peer.respond(ruling.packet)
        response = Eap(eap.Code.RESPONSE, ruling.packet.identifier, kind, data)


@pytest.mark.parametrize("method", ["tls", "peap", "ttls", "md5"])
def test_every_method_opens_the_port(certificates: Path, method: str):
    peers = {
        "tls": TlsPeer("", certificates, certificates / "vt1"), "peap": PeapPeer("vt1", "vtpass1", certificates),
        "ttls": TtlsPeer("vt1", "vtpass1", certificates), "md5": Md5Peer("vt1", "vtpass1"),
    }  # fmt: skip
    ruling = login(Switch(serving(certificates, **ALL)), peers[method])
    assert ruling.packet.code == eap.Code.SUCCESS
    assert ruling.grant == Grant("vt1", vlan="42", **TOLD)


@pytest.mark.parametrize("method", ["tls", "peap", "ttls", "md5"])
def test_and_none_does_for_who_has_proved_nothing(certificates: Path, method: str):
    peers = {
        "tls": TlsPeer("vt1", certificates, certificates / "expired"), "peap": PeapPeer("vt1", "guess", certificates),
        "ttls": TtlsPeer("vt1", "guess", certificates), "md5": Md5Peer("vt1", "guess"),
    }  # fmt: skip
    ruling = login(Switch(serving(certificates, **ALL)), peers[method])
    assert (ruling.packet.code, ruling.grant) == (eap.Code.FAILURE, None)


def test_an_old_device_is_let_in_by_its_address(certificates: Path):
    switch = Switch(serving(certificates, bypasses=True))
    answer = switch.send(switch.request(None, extra=NAS.for_bypass(MAC)))
    assert answer is not None
    assert answer.code == Code.ACCESS_ACCEPT
    assert read_grant(answer.attributes, "", By.BYPASS) == Grant("old-codec", By.BYPASS, "42", **TOLD)
