"""What the parts of the gatekeeper share: its tables, its addresses, and who a request is from."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from config.h323 import H323Settings
from signaling.h323.h2351 import Fault
from signaling.h323.ras.address import Address, value_of
from signaling.h323.ras.admission import Account, Accounts
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.bandwidth import BandwidthBudget
from signaling.h323.ras.calls import AdmittedCalls
from signaling.h323.ras.events import Disengaged, Event, Leaving, NotProven, Unregistered
from signaling.h323.ras.registration import Registration
from signaling.h323.ras.registrations import Registrations, RegistrationStore
from signaling.h323.ras.security import NOBODY, Guard, Proof
from signaling.network_access import Approach, NetworkAccess, names
from signaling.network_access import Proof as CallerProof
from signaling.tries import SourceTries, source_key

PROTOCOL: Final = (0, 0, 8, 2250, 0, 7)
"""H.225.0 version 7, which the types of the codec are of."""
_VERSION_ARC: Final = 5
_MAX_EVENTS: Final = 4096
"""Not taken by the owner yet; it takes them after each call."""


@dataclass(frozen=True, slots=True)
class Request:
    """A message that came."""

    name: str
    """Of the choice in RasMessage."""
    body: dict[str, Any]
    octets: bytes
    source: Address
    local: str
    """The address of ours that it came to."""
    is_multicast: bool
    now: float

    @property
    def number(self) -> int:
        """Its requestSeqNum."""
        return int(self.body["requestSeqNum"])

    @property
    def version(self) -> int:
        """Of H.225.0 that its sender has; 0 where it is another protocol, 1 where the message does not say."""
        oid = self.body.get("protocolIdentifier", (0, 0, 8, 2250, 0, 1))
        is_ours = len(oid) > _VERSION_ARC and oid[:_VERSION_ARC] == PROTOCOL[:_VERSION_ARC]
        return int(oid[_VERSION_ARC]) if is_ours else 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with; the gatekeeper adds requestSeqNum and signs."""

    name: str
    body: dict[str, Any]
    proof: Proof = NOBODY
    remote: Address | None = None
    """None for where the request came from."""


class Zone:
    """The endpoints of one gatekeeper and all that is kept of them (H.323 3, "zone")."""

    def __init__(
        self,
        settings: H323Settings,
        accounts: Accounts,
        random_bytes: Callable[[int], bytes],
        store: RegistrationStore | None = None,
        tries: SourceTries | None = None,
        access: NetworkAccess | None = None,
    ) -> None:
        """`random_bytes` gives so many that nobody can guess, for endpointIdentifier.

        `tries`: who guesses passwords; None, and nobody is slowed down.
        `access`: whether the network knows who registers; None, and nobody is asked.
        """
        self.settings = settings
        self.guard = Guard(settings, accounts)
        self.registrations = Registrations(settings, store)
        self.calls = AdmittedCalls(settings.max_calls, settings.max_calls_per_terminal)
        self.budget = BandwidthBudget(settings)
        self.counters: Counter[str] = Counter()
        """Messages by name and direction, drops by cause; cumulative."""
        self.events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self._accounts = accounts
        self._tries = tries
        self._access = access
        self._random_bytes = random_bytes

    def tell(self, event: Event) -> None:
        """For the owner."""
        self.events.append(event)

    def new_identifier(self) -> str:
        """An endpointIdentifier that nobody has."""
        while True:
            identifier = self._random_bytes(8).hex()
            if self.registrations.get(identifier) is None:
                return identifier

    def ras_address(self, request: Request) -> Any:
        """Our RAS address as the sender must see it."""
        return value_of((self._advertised(request.local, request.source[0]), self.settings.ras_port))

    def signalling_address(self, local: str, host: str) -> Address:
        """Our call signalling address as the terminal at `host` must see it."""
        return self._advertised(local, host), self.settings.signalling_port

    def is_routed(self, called: Registration) -> bool:
        """Whether calls to this endpoint go through us: nobody else reaches those behind firewalls (H.460.18)."""
        return self.settings.call_model == "routed" or called.is_traversing

    def account_of(self, alias: Alias) -> Account | None:
        """Whose alias it is."""
        return self._accounts.account_of(alias.text)

    def prove(self, request: Request, owner: str = "", aliases: tuple[Alias, ...] = ()) -> Proof | Fault:
        """Who signed it; what is wrong is counted and told.

        After too many wrong tokens from one source no more are looked at for a while: they were guesses.
        """
        payer = self._payer(request, aliases)
        if "cryptoTokens" in request.body and self._is_paused(payer, request.now):
            self.counters["not-proven-paused"] += 1
            return Fault.INTEGRITY
        found = self.guard.check(request.name, request.body, request.octets, owner, aliases, request.now)
        if isinstance(found, Fault):
            self.counters[f"not-proven-{found.name.lower()}"] += 1
            sender = str(aliases[0]) if aliases else owner
            self.tell(NotProven(request.name, sender, request.source, found))
        if self._tries is not None and found is Fault.INTEGRITY:
            self._tries.failed(payer, request.now)
        elif self._tries is not None and isinstance(found, Proof) and found.account is not None:
            self._tries.passed(payer, request.now)
        return found

    def is_on_network(self, request: Request, aliases: tuple[Alias, ...], account: str) -> bool:
        """Whether its network lets whoever registers as these be them (IEEE 802.1X)."""
        if self._access is None:
            return True
        proof = CallerProof.H235 if account else CallerProof.NONE
        called = names(*(alias.text for alias in aliases), account)
        approach = Approach(request.source[0], "h323", called, request.local, proof, "register")
        is_allowed = self._access.allows_now(approach)
        if not is_allowed:
            self.counters["not-on-network"] += 1
        return is_allowed

    def endpoint(self, request: Request) -> Registration | None:
        """The endpoint that a request names, where it came from the host that this endpoint registered from."""
        found = self.registrations.get(request.body.get("endpointIdentifier", "").rstrip("\0"))
        if found is None or found.source[0] != request.source[0]:
            return None
        return found

    def proof_of(self, registration: Registration) -> Proof:
        """To sign a request of ours to this endpoint with."""
        account = self._accounts.account_of(registration.account) if registration.account else None
        return Proof(account, registration.senders_id)

    def leave(self, registration: Registration, why: Leaving) -> None:
        """It is not registered any more, and none of its calls counts."""
        if self.registrations.remove(registration.identifier) is None:
            return
        for call in self.calls.of(registration.identifier):
            self.hang_up(call.identifier, call.call_id)
        self.tell(Unregistered(registration, why))

    def hang_up(self, identifier: str, call_id: bytes) -> bool:
        """A call is over; False where there was none."""
        call = self.calls.remove(identifier, call_id)
        if call is None:
            return False
        self.budget.give_back(call.key)
        self.tell(Disengaged(identifier, call_id))
        return True

    def _payer(self, request: Request, aliases: tuple[Alias, ...]) -> str:
        """For whom wrong tokens count: a terminal that is registered from there already is not locked out by others."""
        source = source_key(request.source[0])
        holders = self.registrations.holders(aliases)
        known = next((other.account for other in holders if other.source[0] == request.source[0]), "")
        return f"{source} {known}" if known else source

    def _is_paused(self, payer: str, now: float) -> bool:
        return self._tries is not None and self._tries.pace(payer, now).retry_after_s > 0

    def _advertised(self, local: str, host: str) -> str:
        listen = self.settings.listen
        return next((entry for entry in listen if entry.address == local), listen[0]).advertised(host)
