"""Credentials for relays: as coturn checks them, only for who passed the gate, new ones with every ICE restart."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from config.webrtc import WebrtcSettings
from crypto.secret import Secret
from signaling.webrtc.protocol import IceServer, Offer
from signaling.webrtc.turn import Relays, credentials
from tests.signaling.webrtc.fakes import answer_of
from tests.signaling.webrtc.test_session import House

URLS = ("stun:relay.example", "turn:relay.example:3478?transport=udp", "turns:relay.example:5349?transport=tcp")
RELAYS = Relays(URLS, Secret("north"), lifetime_s=600)


def test_credentials_are_those_of_the_shared_secret() -> None:
    # echo -n 1700000600:7 | openssl dgst -sha1 -hmac north -binary | base64
    assert credentials("7", Secret("north"), 1_700_000_600) == ("1700000600:7", "L0yC7/asGQikCAeB+RbDnSboTiI=")


def test_each_kind_of_server_is_told_what_it_needs() -> None:
    stun, turn = RELAYS.issue("7", 1_700_000_000.9)
    assert stun == IceServer(URLS[:1])
    assert (turn.urls, turn.username) == (URLS[1:], "1700000600:7")
    assert turn.credential == credentials("7", Secret("north"), 1_700_000_600)[1]
    assert Relays().issue("7", 0) == ()


def test_nothing_secret_is_shown() -> None:
    offer = Offer(1, "a=ice-pwd:abc", RELAYS.issue("7", 0))
    shown = f"{RELAYS!r} {offer!r} {offer.ice_servers!r}"
    assert not any(secret in shown for secret in ("north", "ice-pwd", offer.ice_servers[1].credential))


@pytest.mark.parametrize(
    "url",
    ["turn:relay.example", "turns:192.0.2.1:443?transport=tcp", "stun:[2001:db8::1]:3478", "turn:a?transport=udp"],
)
def test_addresses_of_relays_are_known(url: str) -> None:
    assert WebrtcSettings(turn_urls=(url,)).turn_urls == (url,)


@pytest.mark.parametrize(
    "url", ["", "relay.example", "http://relay.example", "turn:user@relay.example", "turn:a b", "turn:a?transport=sctp"]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="turn_urls"):
        WebrtcSettings(turn_urls=(url,))


def test_relay_only_needs_a_relay() -> None:
    with pytest.raises(ValueError, match="relay_only"):
        WebrtcSettings(relay_only=True)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"turn_urls": URLS, "turn_lifetime_s": 5}, WebrtcSettings)


def _house() -> House:
    house = House()
    house.services = house.seats.services = replace(
        house.services, relays=Relays(URLS, Secret("north"), is_relay_only=True)
    )
    return house


async def test_only_who_passed_the_gate_is_told_and_an_ice_restart_brings_new_ones(monkeypatch: pytest.MonkeyPatch):
    now = 1_700_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    async with _house().open() as house:
        link = house.visit()
        link.say("join", room="1001", name="Li", passcode="wrong")
        await link.expect("refused")
        assert "relay.example" not in str(link.sent)
        link.say("join", room="1001", name="Li", passcode="2468")
        offer = await link.expect("offer")
        assert [server["urls"] for server in offer["ice_servers"]] == [[URLS[0]], list(URLS[1:])]
        assert offer["is_relay_only"] is True
        first = offer["ice_servers"][1]["username"]
        link.say("answer", id=offer["id"], sdp=answer_of("chromium_camera_first"))
        await link.expect("joined")
        now += 1000
        link.say("restart-ice")
        renewed = (await link.expect("offer", 2))["ice_servers"][1]
        assert int(renewed["username"].split(":")[0]) - int(first.split(":")[0]) == 1000
        assert (renewed["username"], renewed["credential"]) == credentials(
            renewed["username"].split(":")[1], Secret("north"), int(now) + 14_400
        )
