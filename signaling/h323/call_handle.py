"""One call as its owner holds it: call.Call on its connections, with one awaitable for what happens.

    while not isinstance(event := await handle.next_event(), Released):
        handle.carry(media.handle(event, handle.now()))

A call that came in is handed to the `take` of CallSignalling, with its `setup`; a call out comes of
CallSignalling.place(). Verbs of H.245 are those of `control`, and what they give goes to carry().
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from signaling.h323 import per, traversal
from signaling.h323.call import events
from signaling.h323.call.call import Call
from signaling.h323.call.causes import Cause
from signaling.h323.call.message import CallIdentity
from signaling.h323.call.setup import Setup, SetupRequest
from signaling.h323.h245 import events as h245
from signaling.h323.h245.control import Control
from signaling.h323.q931_elements import CallState
from signaling.h323.ras.address import Address
from signaling.h323.ras.alias import Alias
from signaling.h323.signatures import Signatures
from signaling.h323.traversal import MediaFeature
from signaling.h323.vouching import Verdict, Vouching

MAX_WAITING_EVENTS: Final = 256
"""Events that nobody has asked for; a peer that makes more of them is let go."""

Event = events.Event | h245.Event


class SignallingLine(Protocol):
    """The call signalling connection, which may have other calls, too."""

    @property
    def local(self) -> Address:
        """Our end."""

    @property
    def remote(self) -> Address:
        """Theirs."""

    def send(self, octets: bytes) -> None:
        """Send a message."""

    def add(self, call: CallHandle, reference: int) -> None:
        """A call of ours begins."""

    def leave(self, call: CallHandle) -> None:
        """It is needed by `call` no longer."""


class ControlLine(Protocol):
    """The H.245 connection."""

    def open(self, address: Address) -> None:
        """Connect: control_opened() or control_lost() follows."""

    def listen(self) -> None:
        """Wait for the peer: control_listening() or control_lost() follows, then control_opened()."""

    def send(self, octets: bytes) -> None:
        """Send a message."""

    def close(self) -> None:
        """Neither listen nor be connected any more."""


class CallHandle:
    """See the module. Made by CallSignalling, for one call."""

    def __init__(
        self,
        core: Call,
        control: Control,
        line: SignallingLine,
        control_line: Callable[[CallHandle], ControlLine],
        counters: Counter[str],
        ended: Callable[[CallHandle], None],
        *,
        is_incoming: bool,
        signatures: Signatures | None = None,
        account: str = "",
        is_hidden: bool = False,
    ) -> None:
        """`is_hidden`: we are behind a firewall, and say for which call an H.245 connection of ours is (H.460.18)."""
        self.control = control
        """Verbs of H.245; prepare() it before accept(), or before begin_control()."""
        self.is_incoming = is_incoming
        self.setup: Setup | None = None
        """Of an incoming call; Incoming is not told."""
        self.remote, self.local = line.remote, line.local
        """Ends of the call signalling connection."""
        self.account = account
        """Whose password has signed the Setup, or in a call of ours its answer (H.235.1); "" for nobody's."""
        self.counters = counters
        """Of CallSignalling, for those who count what happens in calls."""
        self._core = core
        self._line = line
        self._control_line = control_line(self)
        self._ended = ended
        self._vouching = Vouching(signatures, counters, account)
        self._takes_tokens = not self.account
        """Half keys that come behind signed ones are somebody else's."""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._to_do: deque[events.Effect] = deque()
        self._is_doing = False
        self._events: deque[Event] = deque()
        self._has_news = asyncio.Event()
        self._released: events.Released | None = None
        self._is_hidden = is_hidden
        self._is_opening_control = False

    # ---- what it is

    @property
    def identity(self) -> CallIdentity:
        """What tells the call from others. Raises RuntimeError before place()."""
        if self._core.identity is None:
            raise RuntimeError("the call is not placed yet")
        return self._core.identity

    @property
    def peer_traversal(self) -> MediaFeature | None:
        """What the peer says of firewalls, where one of the two ends is behind one (H.460.19)."""
        return self._core.peer_traversal

    @property
    def is_over(self) -> bool:
        """Whether Released was told, or waits to be asked for."""
        return self._core.is_over

    @property
    def is_tunnelling(self) -> bool:
        """Whether H.245 travels in Q.931 messages."""
        return self._core.is_tunnelling

    @property
    def ignored(self) -> int:
        """Messages of the peer that came late, twice, or could not be read."""
        return self._core.ignored + self._core.malformed

    def now(self) -> float:
        """The loop's clock, which every core of the call has."""
        return self._loop.time()

    async def next_event(self) -> Event:
        """What happened, in order; Released comes last, and again when asked again. May be cancelled."""
        while not self._events:
            if self._released is not None:
                return self._released
            self._has_news.clear()
            await self._has_news.wait()
        return self._events.popleft()

    # ---- verbs

    def place(self, request: SetupRequest, identity: CallIdentity) -> None:
        """Send Setup, for a handle of CallSignalling.connect(). Raises ValueError where the reference is taken."""
        if self.is_over:
            return
        self._vouching.called(request.called)
        self._line.add(self, identity.reference)
        self._do(self._core.place(request, identity, self.now()))

    def alert(self, *, fast_start: Sequence[Any] = (), tokens: Sequence[Any] = ()) -> None:
        """It rings here; see Call.alert()."""
        self._do(self._core.alert(self.now(), fast_start=fast_start, tokens=tokens))

    def accept(
        self,
        *,
        conference_id: bytes,
        fast_start: Sequence[Any] = (),
        tokens: Sequence[Any] = (),
        crypto_tokens: Sequence[Any] = (),
    ) -> None:
        """Answer; see Call.accept()."""
        self._do(
            self._core.accept(
                self.now(),
                conference_id=conference_id,
                fast_start=fast_start,
                tokens=tokens,
                crypto_tokens=crypto_tokens,
            )
        )

    def begin_control(self) -> None:
        """Begin H.245 before accept(), as soon as there is a way."""
        self._do(self._core.begin_control(self.now()))

    def carry(self, effects: Iterable[h245.Effect]) -> None:
        """Send what verbs of `control` gave; what is no message comes by next_event()."""
        self._do(self._core.carry(effects, self.now()))

    def release(self, *, cause: int | None = None, reason: str = "") -> None:
        """Hang up or refuse, whatever the state; Released follows, once."""
        self._do(self._core.release(self.now(), cause=cause, reason=reason))

    def redirect(
        self,
        reason: str,
        *,
        address: Address | None = None,
        aliases: Sequence[Alias] = (),
        conference_id: bytes = b"",
    ) -> None:
        """Ask the peer to call elsewhere; see Call.redirect()."""
        self._do(self._core.redirect(reason, self.now(), address=address, aliases=aliases, conference_id=conference_id))

    def keypad(self, digits: str) -> None:
        """Send keys in Q.931, those of the number while the peer wants more. Raises ValueError for no IA5."""
        self._do(self._core.keypad(digits, self.now()))

    def ask_status(self) -> None:
        """Is the peer there? StatusReceived or StatusMissing follows."""
        self._do(self._core.ask_status(self.now()))

    def keep_alive(self) -> None:
        """Hold the way through firewalls open (H.460.18)."""
        self._do(self._core.keep_alive(self.now()))

    # ---- the connections

    def receive(self, octets: bytes) -> None:
        """A message of the call signalling connection."""
        if self._may_read(octets):
            self._do(self._core.receive(octets, self.now()))
            self._takes_tokens = not self.account

    def signalling_lost(self) -> None:
        """The call signalling connection is gone."""
        self._do(self._core.signalling_lost(self.now()))

    def receive_control(self, octets: bytes) -> None:
        """A message of the H.245 connection."""
        self._do(self._core.receive_control(octets, self.now()))

    def control_listening(self, address: Address) -> None:
        """We wait for it there."""
        self._do(self._core.control_listening(address, self.now()))

    def control_opened(self) -> None:
        """It stands."""
        if self._is_hidden and self._is_opening_control:
            told = traversal.correlation(self.identity.identifier, is_answer=self.is_incoming)
            self._control_line.send(per.encode(per.Type.H245, ("indication", ("genericIndication", told))))
        self._do(self._core.control_opened(self.now()))

    def control_lost(self) -> None:
        """It is gone, or did not come about."""
        self._do(self._core.control_lost(self.now()))

    # ---- inside

    def _may_read(self, octets: bytes) -> bool:
        """Whether a message is in the name of the peer (H.235.1); the Setup of this call was looked at before."""
        if self.is_incoming and self.setup is None:
            return True
        verdict = self._vouching.check(octets, time.time(), is_answered=self._core.state is CallState.ACTIVE)
        self.account = self._vouching.account
        if verdict is Verdict.REFUSE:
            self.release(reason="securityDenied")
        return verdict is Verdict.READ

    def _do(self, effects: Iterable[events.Effect]) -> None:
        """Carry effects out one after the other; what they lead to at once waits for its turn."""
        self._to_do.extend(effects)
        if self._is_doing:
            return
        self._is_doing = True
        try:
            while self._to_do:
                self._do_one(self._to_do.popleft())
        finally:
            self._is_doing = False
        self._arm()

    def _do_one(self, effect: events.Effect) -> None:
        match effect:
            case events.SendSignalling(octets):
                self._line.send(octets)
            case events.SendControl(octets):
                self._control_line.send(octets)
            case events.OpenControl(address):
                self._is_opening_control = True
                self._control_line.open(address)
            case events.ListenControl():
                self._is_opening_control = False
                self._control_line.listen()
            case events.CloseControl():
                self._control_line.close()
            case events.CloseSignalling():
                self._line.leave(self)
            case events.Incoming(setup):
                self.setup = setup
                self._vouching.came(setup)
            case events.TokensReceived() if not self._takes_tokens:
                self.counters["tokens-not-vouched-for"] += 1
            case h245.GenericReceived("indication", told) if self._is_of_another_call(told):
                self.counters["control-of-another-call"] += 1
                self.release(cause=Cause.PROTOCOL_ERROR)
            case events.Released():
                self._end(effect)
            case _:
                self._tell(effect)

    def _is_of_another_call(self, told: Any) -> bool:
        """Whether who opened the H.245 connection took it for that of another call (H.460.18 16)."""
        named = traversal.correlated_call(told)
        return named is not None and named != self.identity.identifier

    def _tell(self, event: Event) -> None:
        if self._released is not None:
            return
        if len(self._events) >= MAX_WAITING_EVENTS:
            self.counters["call-events-overflow"] += 1
            self.release(cause=Cause.RESOURCE_UNAVAILABLE)
            return
        self._events.append(event)
        self._has_news.set()

    def _end(self, released: events.Released) -> None:
        if self._released is None:
            self._released = released
            self._has_news.set()
            self._ended(self)

    def _arm(self) -> None:
        """Wake up for what is due; a timer that fires earlier stays."""
        due = self._core.next_timeout()
        if self._timer is not None:
            if due is not None and self._timer.when() <= due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self._loop.call_at(due, self._on_timeout)

    def _on_timeout(self) -> None:
        self._timer = None
        self._do(self._core.on_timeout(self.now()))
