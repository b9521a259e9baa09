"""Asterisk's chan_ooh323 registers with our gatekeeper, asks for admission, and is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from config.h323 import H323Settings
from config.media import LocalAddress
from signaling.h323.ras.admission import Admit, Refusal
from signaling.h323.ras.events import Admitted, Answered, Disengaged, Event, Leaving, Registered, Unregistered
from signaling.h323.ras.server import GatekeeperServer
from tests.interop import asterisk_h323

GATEKEEPER, TERMINAL = "127.0.9.1", "127.0.7.1"
GENERAL = {
    "bindaddr": TERMINAL, "port": "1720", "h323id": "ast1", "e164": "701", "callerid": "ast1", "context": "default",
    "gatekeeper": GATEKEEPER, "disallow": "all", "allow": "ulaw",
}  # fmt: skip


class Owner:
    """Has no accounts, and answers as it is told."""

    def __init__(self) -> None:
        self.verdict: Admit | Refusal = Refusal.NOT_REGISTERED
        self.asked = []

    def admit(self, question):
        self.asked.append(question)
        return self.verdict

    def locate(self, called):
        return False

    def account_of(self, alias):
        return None


async def until(events: list[Event], wanted: Callable[[Event], bool], patience_s: float = 15.0) -> Event:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = next((event for event in events if wanted(event)), None)
        if found is not None:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(events)


async def test_asterisk_is_a_terminal_of_our_gatekeeper():
    events: list[Event] = []
    owner = Owner()
    settings = H323Settings(
        listen=(LocalAddress(GATEKEEPER),), authentication="off", min_time_to_live_s=5, default_time_to_live_s=5,
        max_time_to_live_s=5, call_check_s=2,
    )  # fmt: skip
    server = GatekeeperServer(settings, owner, owner, events.append)
    await server.start()
    try:
        async with asterisk_h323.running("drumtower-gatekeeper", GENERAL) as asterisk:
            registered = await until(events, lambda event: isinstance(event, Registered))
            assert [str(alias) for alias in registered.registration.aliases] == ["h323-ID:ast1", "dialledDigits:701"]
            assert registered.registration.signalling == (TERMINAL, 1720)
            assert registered.registration.vendor.product == "ooh323"
            assert "Registered" in await asterisk.console("ooh323 show gk")

            await asterisk.console("channel originate OOH323/8000 application Echo")
            await asyncio.sleep(1)
            assert [alias.text for alias in owner.asked[0].called] == ["8000"]
            assert server.gauges["calls"] == 0

            # Nobody listens there: the terminal forgets the call without a word, and we notice.
            owner.verdict = Admit((GATEKEEPER, 1))
            await asterisk.console("channel originate OOH323/8001 application Echo")
            await until(events, lambda event: isinstance(event, Admitted))
            await until(events, lambda event: isinstance(event, Disengaged))

            await asyncio.sleep(6)
            (alive,) = server.registrations()
            assert alive.identifier == registered.registration.identifier
            assert alive.refreshed_at > registered.registration.refreshed_at

            server.ask(lambda own, now: own.unregister(alive.identifier, "reregistrationRequired", now))
            answered = await until(events, lambda event: isinstance(event, Answered) and "unreg" in event.request)
            assert answered.name == "unregistrationConfirm"
            assert any(isinstance(event, Unregistered) and event.why is Leaving.REVOKED for event in events)
            events.clear()
            await until(events, lambda event: isinstance(event, Registered))
        assert server.counters["dropped-malformed"] == 0
    finally:
        await server.stop()


async def test_two_terminals_call_each_other():
    events: list[Event] = []
    owner = Owner()
    owner.verdict = Admit()
    settings = H323Settings(
        listen=(LocalAddress(GATEKEEPER),), authentication="off", irr_interval_s=1, call_check_s=1
    )  # fmt: skip
    server = GatekeeperServer(settings, owner, owner, events.append)
    await server.start()
    second = GENERAL | {"bindaddr": "127.0.7.2", "h323id": "ast2", "e164": "702", "callerid": "ast2"}
    try:
        async with (
            asterisk_h323.running("drumtower-gatekeeper", GENERAL) as caller,
            asterisk_h323.running("drumtower-gatekeeper-2", second),
        ):
            await until(
                events, lambda event: isinstance(event, Registered) and event.registration.source[0] == TERMINAL
            )
            await until(
                events, lambda event: isinstance(event, Registered) and event.registration.source[0] != TERMINAL
            )
            await caller.console("channel originate OOH323/702 application Milliwatt")
            await until(events, lambda event: isinstance(event, Admitted) and event.is_answer)
            assert {call.registration.source[0] for call in events if isinstance(call, Admitted)} == {
                TERMINAL,
                "127.0.7.2",
            }
            assert len({call.call_id for call in events if isinstance(call, Admitted)}) == 1
            await asyncio.sleep(9)  # asked about the call after 1 s, and given up after 6 more
            assert server.counters["received-infoRequestResponse"] >= 2
            assert server.gauges["calls"] == 2
            await caller.console("channel request hangup all")
            await asyncio.sleep(2)
            assert server.counters["received-disengageRequest"] == 2
            assert server.gauges["calls"] == 0
    finally:
        await server.stop()
