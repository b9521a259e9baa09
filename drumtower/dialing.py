"""Calling out, put together: who orders calls, what SIP makes of them, the trunks, and REFER."""

from __future__ import annotations

import time

from config.settings import Settings
from crypto.keys import MasterKey
from drumtower.terminals import TerminalOffice
from drumtower.trunk_secrets import trunk_secrets
from mcu.conferences import Conferences
from mcu.fleet.worker import Fleet
from signaling.admission import Gate
from signaling.dialing import Dialer
from signaling.sip.authentication.authenticator import Authenticator, Secrets
from signaling.sip.authentication.nonces import Nonces
from signaling.sip.dialling.out_plan import SipDials, World
from signaling.sip.dialling.referrals import Referrals
from signaling.sip.server import SipServer
from signaling.sip.trunks.arrivals import Arrivals
from signaling.sip.trunks.trunk import Trunks
from signaling.sip.trunks.trunk_client import TrunkClients
from signaling.tries import SourceTries


class DialOffice:
    """Made before the SIP server, which asks it for the calls of trunks; then connect() and start()."""

    def __init__(self, settings: Settings, master: MasterKey, gate: Gate, fleet: Fleet) -> None:
        """Raises KeyFault for trunks without their secret."""
        self._settings = settings
        self._master = master
        self.trunks = Trunks(settings.sip.trunks, trunk_secrets(settings.sip.trunks))
        self.dialer = Dialer(settings.dialing, gate, fleet.next_leg_id)
        self.arrivals = Arrivals(self.trunks, self._authenticator, time.time)
        self._clients: TrunkClients | None = None
        self._referrals: Referrals | None = None

    def connect(self, sip: SipServer, terminals: TerminalOffice, conferences: Conferences) -> None:
        """Let SIP call out, and serve REFER."""
        registration = terminals.registration
        self.arrivals.peer_names = sip.agent.transports.peer_names
        world = World(
            self._settings.dialing,
            sip.agent,
            sip.services,
            registration.registrations,
            terminals.directory,
            self.trunks,
            _names(self._settings),
        )
        self.dialer.add(SipDials(world))
        self._clients = TrunkClients(self.trunks, sip.agent)
        self._referrals = Referrals(sip.agent, conferences, self.dialer, registration.identify)

    def start(self) -> None:
        """Register with the trunks that ask for it; the SIP server is up."""
        if self._clients is not None:
            self._clients.start()

    async def stop(self) -> None:
        """End what we called, leave the trunks; the SIP server is still up."""
        if self._referrals is not None:
            await self._referrals.stop()
        await self.dialer.hang_up()
        if self._clients is not None:
            await self._clients.stop()

    def trunk_rows(self) -> list[dict[str, object]]:
        """JSON-ready state of each trunk, for the portal."""
        return [
            {
                "name": trunk.name,
                "hosts": list(trunk.settings.hosts),
                "transport": trunk.settings.transport,
                "state": trunk.state,
                "trouble": trunk.trouble,
                "calls": trunk.budget.running,
                "max_calls": trunk.settings.max_calls,
                "may_call_out": bool(trunk.settings.allowed),
            }
            for trunk in self.trunks
        ]

    def gauges(self) -> dict[str, int]:
        """For the metrics: 1 for a trunk that can be used, and its calls."""
        usable = {f"{trunk.name}-usable": int(trunk.state in ("static", "registered")) for trunk in self.trunks}
        return usable | {f"{trunk.name}-calls": trunk.budget.running for trunk in self.trunks}

    def _authenticator(self, realm: str, secrets: Secrets) -> Authenticator:
        settings, derive = self._settings, self._master.derive
        registrar = settings.registrar
        nonces = Nonces(
            derive("trunk-nonce"),
            time.time(),
            lifetime_s=registrar.nonce_lifetime_s,
            max_used=registrar.max_used_nonces,
        )
        tries = SourceTries(settings.gate)
        return Authenticator(realm, settings.sip.digest_algorithms, secrets, nonces, tries, derive("digest-decoy"))


def _names(settings: Settings) -> frozenset[str]:
    """Everything that names this server in an address."""
    external = (name for local in settings.sip.listen for name in local.names)
    sip, server = settings.sip, settings.server
    return frozenset(name.lower() for name in (*sip.domains, sip.realm, *server.names, *server.listen, *external))
