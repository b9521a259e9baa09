"""All media of one call, sans-IO: from capabilities and channels of H.245 and fast start to the streams of a leg.

The owner hands every event of the call to handle(), and carries what comes back. It drives the presentation token of
H.239 itself. What it does by the clock is due at next_timeout(); channels that are not answered end by Control.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from mcu.media import Kind, LegMedia
from signaling.h323.call import events as call
from signaling.h323.call_media import capability_update, leg_media, modes
from signaling.h323.call_media.fast_start import FastStart
from signaling.h323.call_media.flow import Flow
from signaling.h323.call_media.limits import Limits
from signaling.h323.call_media.negotiation import Negotiation
from signaling.h323.call_media.receiving import Receiving
from signaling.h323.call_media.renewal import Renewal
from signaling.h323.call_media.security import Security
from signaling.h323.call_media.selection import Selection
from signaling.h323.call_media.sending import Sending
from signaling.h323.call_media.traversal import MediaTraversing
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities import remote
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import capability_set
from signaling.h323.h245 import events as h245
from signaling.h323.h245.control import Control


class CallMedia:
    """See the module.

    `ports` are those of our end by kind; a kind without is neither offered nor taken. `security` (MediaSecurity) is
    None where nothing is to be encrypted. As called end it has answered the tokens of the Setup before; as caller it
    has made those of ours, and handle() gives it the peer's (TokensReceived, Connected).
    """

    def __init__(
        self,
        control: Control,
        wishes: Wishes,
        ports: Mapping[Kind, Ports],
        security: Security | None = None,
        traversal: MediaTraversing | None = None,
    ) -> None:
        """`traversal` where one of the two ends is behind a firewall (H.460.19)."""
        self.grade = wishes.grade
        """Of encrypted media; a caller may learn later that its peer's half key was vouched for."""
        self.generation = 0
        """Grows whenever `media` changes."""
        self.is_settled = False
        """Whether it is known what both ends send: their sound stands, or there will be none of it.

        Once true it stays so. A peer that never offers sound is for the owner's clock to find out.
        """
        self._negotiation = Negotiation(control, wishes, ports, security, traversal)
        self._selection = Selection(self._negotiation)
        self._sending = Sending(self._negotiation, self._selection)
        self._receiving = Receiving(self._negotiation, self._selection)
        self._renewal = Renewal(self._negotiation)
        self._flow = Flow(self._negotiation)
        self._limits = Limits(self._negotiation)
        self._fast_start = FastStart(self._negotiation)
        self._told = self.capability_set()
        self.media: LegMedia = leg_media.build(self._negotiation, self._flow, self.grade)
        """What holds now. A kind whose channels do not stand has no stream."""

    def handle(self, event: h245.Event | call.Event, now: float) -> list[h245.Effect]:
        """An event of the call, whatever it is; those that are not about media give nothing."""
        handler = self._HANDLERS.get(type(event))
        if handler is None:
            return []
        effects = [*handler(self, event, now), *self._limits.review(now)]
        self._renewal.review(now)
        self._refresh()
        return effects

    def next_timeout(self) -> float | None:
        """When on_timeout() is due."""
        return min((at for at in (self._renewal.due_at, self._limits.lowers_at) if at is not None), default=None)

    def on_timeout(self, now: float) -> list[h245.Effect]:
        """Do what is due: new keys, and less of a picture that is shown small. Let `media` take effect first."""
        effects = [*self._renewal.on_timeout(now), *self._limits.review(now)]
        self._refresh()
        return effects

    def kind_of(self, number: int, *, is_ours: bool) -> Kind | None:
        """What a channel carries, of FastUpdate for one. Ask before handle() of the event that ends it."""
        if is_ours:
            found = self._negotiation.find_outgoing(number)
            return None if found is None else found[0]
        theirs = self._negotiation.incoming.get(number)
        return None if theirs is None else theirs.kind

    # ---- the beginning

    def capability_set(self) -> dict[str, Any]:
        """For Control.prepare(), before H.245 begins."""
        return capability_set(self._negotiation.own())

    def propose_fast_start(self) -> list[Any]:
        """As caller: sound in both directions for fastStart of the Setup; nothing where encryption is wished.

        Keys need H.245.
        """
        return self._fast_start.propose()

    def fast_start_answered(self, channels: Sequence[Any]) -> None:
        """As caller: what the peer took of it. handle(FastStartAnswered) does the same."""
        self._fast_start.answered(channels)
        self._refresh()

    def fast_start_refused(self) -> None:
        """As caller: it took nothing. handle(FastStartRefused) does the same."""
        self._fast_start.refused()

    def answer_fast_start(self, proposals: Sequence[Any]) -> list[Any]:
        """As called end: fastStart of Connect, for that of the Setup. The channels stand from now on.

        [] takes none, also where media will be encrypted.
        """
        answer = self._fast_start.answer(proposals)
        self._refresh()
        return answer

    # ---- wishes

    def fast_update(self, kind: Kind) -> list[h245.Effect]:
        """Ask the peer for a keyframe of what it sends of `kind`."""
        theirs = self._negotiation.open_channels(kind)
        return self._negotiation.control.fast_update(theirs[-1].channel.number) if theirs else []

    def need(self, kind: Kind, bitrate_bps: int, now: float) -> list[h245.Effect]:
        """So much of what the peer sends of `kind` is of use, 0 for nothing: it is asked to send no more."""
        return self._limits.need(kind, bitrate_bps, now)

    def content_number(self) -> int:
        """The number of our next content channel, for Control.request_content()."""
        return self._sending.content_number()

    @property
    def is_content_taken(self) -> bool:
        """Whether the peer takes content beside what we send."""
        return Kind.CONTENT in self._selection.chosen(has_content=True)

    def open_content(self, now: float) -> list[h245.Effect]:
        """Open our content channel; the presentation token is ours. It comes back after a hold."""
        effects = self._sending.open_content(now)
        self._refresh()
        return effects

    def close_content(self, now: float) -> list[h245.Effect]:
        """Close it, once: the token is gone, or nothing is shown any more."""
        effects = self._sending.close_content(now)
        self._refresh()
        return effects

    def renew_keys(self, _now: float) -> list[h245.Effect]:
        """New session keys for all encrypted channels: made by us as master, asked for as slave (H.235.6 8.6.2).

        Many terminals take no updates: their channels keep the keys that they have.
        """
        effects = self._renewal.renew()
        self._refresh()
        return effects

    # ---- capabilities

    def _on_capabilities(self, event: h245.CapabilitiesReceived, now: float) -> list[h245.Effect]:
        told = remote.read(event.capability_set)
        if told != self._negotiation.remote:
            self._negotiation.remote = told
            self._selection.forget()
        return self._sending.review(now)

    def _on_ready(self, _event: h245.Ready, now: float) -> list[h245.Effect]:
        return self._sending.review(now)

    def _on_held(self, _event: h245.Held, _now: float) -> list[h245.Effect]:
        self._negotiation.remote = None
        self._sending.held()
        return []

    def _on_tokens(self, event: call.TokensReceived, now: float) -> list[h245.Effect]:
        security = self._negotiation.security
        if security is None or not self._negotiation.is_pending:
            return self._tell(now)
        security.accept(event.tokens)
        return self._tell(now)

    def _on_connected(self, _event: call.Connected, now: float) -> list[h245.Effect]:
        """The peer has said all that it says of encryption."""
        if self._negotiation.is_pending:
            self._negotiation.security = None
        return self._tell(now)

    def _tell(self, now: float) -> list[h245.Effect]:
        """Our capabilities where they have changed, and what can be opened by now."""
        before, self._told = self._told, self.capability_set()
        control = self._negotiation.control
        effects: list[h245.Effect] = []
        if before != self._told and control.is_started:
            effects += control.set_capabilities(capability_update.between(before, self._told), now)
        elif before != self._told:
            control.prepare(self._told)
        return [*effects, *self._receiving.resume(now), *self._sending.review(now)]

    def _on_traversal(self, event: call.TraversalAgreed, _now: float) -> list[h245.Effect]:
        if self._negotiation.traversal is not None:
            self._negotiation.traversal.peer = event.peer
        return []

    # ---- channels

    def _on_offered(self, event: h245.ChannelOffered, now: float) -> list[h245.Effect]:
        return self._receiving.offered(event.channel, now)

    def _on_opened(self, event: h245.ChannelOpened, now: float) -> list[h245.Effect]:
        if event.is_ours:
            return self._sending.opened(event.channel, now)
        return [*self._receiving.opened(event.channel, now), *self._sending.review(now)]

    def _on_refused(self, event: h245.ChannelRefused, now: float) -> list[h245.Effect]:
        return self._sending.refused(event, now)

    def _on_closed(self, event: h245.ChannelClosed, now: float) -> list[h245.Effect]:
        if event.is_ours:
            return self._sending.closed(event, now)
        self._receiving.closed(event)
        return self._sending.review(now)

    def _on_mode(self, event: h245.ModeRequested, now: float) -> list[h245.Effect]:
        """The first of the modes that we can send, in all that it names."""
        for place, mode in enumerate(event.modes):
            codecs = modes.read(mode)
            if codecs is not None and self._selection.can_send(codecs):
                self._selection.ask(codecs)
                return [*self._negotiation.control.answer_mode(place), *self._sending.review(now)]
        return self._negotiation.control.answer_mode(None)

    def _on_flow_control(self, event: h245.FlowControl, _now: float) -> list[h245.Effect]:
        self._flow.restrict(event)
        return []

    # ---- keys

    def _on_key(self, event: h245.EncryptionUpdate, _now: float) -> list[h245.Effect]:
        return self._renewal.given(event)

    def _on_key_wanted(self, event: h245.EncryptionUpdateWanted, _now: float) -> list[h245.Effect]:
        return self._renewal.wanted(event)

    def _on_key_taken(self, event: h245.EncryptionUpdated, _now: float) -> list[h245.Effect]:
        self._renewal.taken(event)
        return []

    # ---- fast start

    def _on_fast_start(self, event: call.FastStartAnswered, _now: float) -> list[h245.Effect]:
        self._fast_start.answered(event.channels)
        return []

    def _on_fast_start_refused(self, _event: call.FastStartRefused, _now: float) -> list[h245.Effect]:
        self._fast_start.refused()
        return []

    def _on_no_control(self, _event: call.ControlMissing, _now: float) -> list[h245.Effect]:
        self.is_settled = True
        return []

    # ---- what holds

    def _refresh(self) -> None:
        media = leg_media.build(self._negotiation, self._flow, self.grade)
        if media != self.media:
            self.media = media
            self.generation += 1
        self.is_settled = self.is_settled or self._has_settled()

    def _has_settled(self) -> bool:
        is_received = bool(self._negotiation.open_channels(Kind.AUDIO)) or self._receiving.is_sound_refused
        has_sound = Kind.AUDIO in self._negotiation.ports
        return self._sending.is_settled(Kind.AUDIO) and (is_received or not has_sound)

    _HANDLERS: ClassVar[dict[type, Callable[[CallMedia, Any, float], list[h245.Effect]]]] = {
        h245.CapabilitiesReceived: _on_capabilities,
        h245.Ready: _on_ready,
        h245.Held: _on_held,
        h245.ChannelOffered: _on_offered,
        h245.ChannelOpened: _on_opened,
        h245.ChannelRefused: _on_refused,
        h245.ChannelClosed: _on_closed,
        h245.ModeRequested: _on_mode,
        h245.FlowControl: _on_flow_control,
        h245.EncryptionUpdate: _on_key,
        h245.EncryptionUpdateWanted: _on_key_wanted,
        h245.EncryptionUpdated: _on_key_taken,
        call.TokensReceived: _on_tokens,
        call.TraversalAgreed: _on_traversal,
        call.Connected: _on_connected,
        call.FastStartAnswered: _on_fast_start,
        call.FastStartRefused: _on_fast_start_refused,
        call.ControlMissing: _on_no_control,
    }
