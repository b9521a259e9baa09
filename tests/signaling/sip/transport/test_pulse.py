"""Calls hold their NAT mappings open."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from config.sip import SipSettings
from signaling.sip import pulse
from signaling.sip.transactions.transaction import Flow

UDP = Flow("udp", ("10.0.0.1", 5060), ("192.0.2.7", 40123))
TLS = Flow("tls", ("10.0.0.1", 5061), ("192.0.2.8", 40124), 7, "name.example")


class Transports:
    def __init__(self) -> None:
        self.vouched: list[Flow] = []
        self.pinged: list[Flow] = []

    def vouch(self, flow: Flow) -> None:
        self.vouched.append(flow)

    def ping(self, flow: Flow) -> None:
        self.pinged.append(flow)


@pytest.mark.parametrize(("flow", "is_nat", "is_pinged"), [(UDP, True, True), (UDP, False, False), (TLS, False, True)])
async def test_who_is_pinged(monkeypatch, flow: Flow, is_nat: bool, is_pinged: bool):
    monkeypatch.setattr(pulse, "BEAT_S", 0.01)
    transports, dialogs = Transports(), [SimpleNamespace(flow=flow, is_nat=is_nat)]
    settings = SipSettings(udp_ping_s=0.05, stream_ping_s=0.05)
    beating = pulse.Pulse(settings, transports, lambda: dialogs)  # type: ignore[arg-type]  # two of their methods
    beating.start()
    async with asyncio.timeout(2):
        while len(transports.vouched) < 14:
            await asyncio.sleep(0.005)
    wanted = {replace(flow, host="")} if is_pinged else set()
    assert (set(transports.pinged), set(transports.vouched)) == (wanted, {flow})
    assert len(transports.pinged) <= 4
    dialogs.clear()
    count = len(transports.pinged)
    await asyncio.sleep(0.03)
    beating.stop()
    assert len(transports.pinged) <= count + 1
