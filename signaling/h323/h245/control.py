"""H.245 between two ends of an H.323 call, sans-IO: one object a call, made of the small machines of this folder.

Its owner decodes what comes (per.decode(Type.H245, ...)) and hands it to receive(); all verbs give what there is to
send and to know, in order. After EndSession or Failed the owner ends the call; nothing comes out any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from signaling.h323.h245 import commands, user_input
from signaling.h323.h245.conference import Label
from signaling.h323.h245.determination import MCU_TERMINAL_TYPE
from signaling.h323.h245.events import Effect, EndSession, Failed, PictureRequest, Ready, Send, command
from signaling.h323.h245.logical_channel import ChannelAnswer, LogicalChannel
from signaling.h323.h245.machines import Machines


@dataclass(frozen=True, slots=True)
class OwnCapabilities:
    """What we tell the peer of ourselves."""

    capability_set: dict[str, Any]
    """multiplexCapability, capabilityTable and capabilityDescriptors of a TerminalCapabilitySet (capabilities.py)."""
    terminal_type: int = MCU_TERMINAL_TYPE


class Control:
    """The H.245 session of one call. `random_number` gives 24 unforeseeable bits at each call."""

    def __init__(self, own: OwnCapabilities, random_number: Callable[[], int]) -> None:
        self.own = own
        self.is_ended = False
        self.machines = Machines(own.capability_set, own.terminal_type, random_number)
        self._was_ready = False

    @property
    def is_master(self) -> bool:
        """Whether we are the master; False while it is not known."""
        return bool(self.machines.determination.is_master)

    @property
    def is_ready(self) -> bool:
        """Whether channels may be opened."""
        return self.machines.is_ready

    # ---- the session

    def start(self, now: float) -> list[Effect]:
        """H.245 can travel: terminalCapabilitySet first, masterSlaveDetermination after it (H.323 8.2)."""
        return self._out([*self.machines.exchange.send(now), *self.machines.determination.start(now)])

    def receive(self, message: Any, now: float) -> list[Effect]:
        """A decoded MultimediaSystemControlMessage of the peer."""
        return [] if self.is_ended else self._out(self.machines.receive(message, now))

    def next_timeout(self) -> float | None:
        """When on_timeout() has something to do."""
        if self.is_ended:
            return None
        deadlines = [machine.deadline for machine in self.machines.timed if machine.deadline is not None]
        return min(deadlines, default=None)

    def on_timeout(self, now: float) -> list[Effect]:
        """Whatever waited until now was in vain."""
        effects: list[Effect] = []
        for machine in self.machines.timed:
            if machine.deadline is not None and machine.deadline <= now and not self.is_ended:
                effects += self._out(machine.expire(now))
        return effects

    def end_session(self) -> list[Effect]:
        """Say goodbye, once (H.323 8.5). Nothing is taken from the peer any more."""
        if self.is_ended:
            return []
        self.is_ended = True
        return [command("endSessionCommand", ("disconnect", 0))]

    # ---- capabilities

    @property
    def is_started(self) -> bool:
        """Whether a capability set of ours has been sent: prepare() comes too late."""
        return self.machines.exchange.is_started

    def prepare(self, capability_set: dict[str, Any]) -> None:
        """The set to begin with, instead of OwnCapabilities'; before start(). Nothing is sent."""
        self.machines.exchange.prepare(capability_set)

    def set_capabilities(self, capability_set: dict[str, Any], now: float) -> list[Effect]:
        """Tell another set from now on; while we hold the peer it goes out at resume()."""
        return self._out(self.machines.exchange.replace(capability_set, now))

    def hold(self, now: float) -> list[Effect]:
        """The peer shall stop sending: the empty capability set (H.323 8.4.6)."""
        return self._out(self.machines.exchange.hold(now))

    def resume(self, now: float) -> list[Effect]:
        """The end of hold(): our set again, and who is master."""
        if not self.machines.exchange.is_holding:
            return []
        return self._out([*self.machines.exchange.resume(now), *self.machines.determination.start(now)])

    # ---- channels

    def new_channel_number(self) -> int:
        """For LogicalChannel.number of open(): one that no channel of ours has."""
        return self.machines.channels.new_number()

    def new_session_id(self) -> int:
        """For a medium beside the first sound, picture and data; only the master may ask (H.323 6.2.8.2)."""
        return self.machines.channels.new_session_id()

    def open(self, channel: LogicalChannel, now: float) -> list[Effect]:
        """Open a channel of ours, after Ready: ChannelOpened or ChannelRefused follows."""
        return self._out(self.machines.channels.open(channel, now))

    def adopt(self, channel: LogicalChannel, is_ours: bool) -> None:
        """A channel that fast start has opened (H.323 8.1.7): it stands, without a message."""
        self.machines.channels.adopt(channel, is_ours)

    def accept(self, number: int, answer: ChannelAnswer, now: float) -> list[Effect]:
        """Take the peer's channel of ChannelOffered; nothing when it has gone meanwhile."""
        return self._out(self.machines.channels.accept(number, answer, self.is_master, now))

    def reject(self, number: int, cause: str = "dataTypeNotSupported") -> list[Effect]:
        """Refuse it; `cause` by its name in openLogicalChannelReject."""
        return self._out(self.machines.channels.reject(number, cause))

    def close(self, number: int, now: float) -> list[Effect]:
        """Close a channel of ours: ChannelClosed follows."""
        return self._out(self.machines.channels.close(number, now))

    def ask_close(self, number: int, now: float, reason: str = "normal") -> list[Effect]:
        """Ask the peer to close a channel of its own (requestChannelClose): ChannelClosed follows when it does."""
        return self._out(self.machines.channels.ask_close(number, reason, now))

    def request_mode(self, modes: Sequence[Sequence[Any]], now: float) -> list[Effect]:
        """Ask the peer to send in one of `modes`, each of ModeElements, dearest first: ModeAnswered follows."""
        return self._out(self.machines.modes.request(modes, now))

    def answer_mode(self, chosen: int | None) -> list[Effect]:
        """Answer ModeRequested: the place of the mode that we will send, None to refuse."""
        return self._out(self.machines.modes.answer(chosen))

    # ---- commands and indications

    def fast_update(self, number: int, request: PictureRequest = PictureRequest.PICTURE) -> list[Effect]:
        """We need a whole picture on the peer's channel `number`; FREEZE instead stills channel `number` of ours."""
        return self._out(commands.fast_update(number, request))

    def flow_control(self, number: int | None, bitrate_bps: int | None) -> list[Effect]:
        """The peer shall send at most so much on its channel `number`, None for all; no rate lifts the limit."""
        if bitrate_bps is None:
            self.machines.content.limited.discard(number)
        else:
            self.machines.content.limited.add(number)
        return self._out(commands.flow_control(number, bitrate_bps))

    def update_encryption(self, number: int, is_ours: bool, encryption_sync: Any) -> list[Effect]:
        """As master, give a channel a new key (encryptionUpdateCommand): EncryptionUpdated may follow."""
        return self._out(commands.update_encryption(number, is_ours == self.is_master, encryption_sync))

    def acknowledge_encryption(self, number: int, is_ours: bool, synch_flag: int) -> list[Effect]:
        """As slave, say that the key of EncryptionUpdate is in use."""
        return self._out(commands.acknowledge_encryption(number, is_ours == self.is_master, synch_flag))

    def ask_encryption_update(self, number: int, is_ours: bool, synch_flag: int | None = None) -> list[Effect]:
        """As slave, ask for a new key."""
        return self._out(commands.ask_encryption_update(number, is_ours == self.is_master, synch_flag))

    def measure_round_trip(self, now: float) -> list[Effect]:
        """Ask the peer to answer at once: RoundTrip follows."""
        return self._out(self.machines.delay.request(now))

    def user_input(self, digits: str) -> list[Effect]:
        """Send keys as one alphanumeric string."""
        return self._out(user_input.alphanumeric(digits))

    def signal(self, digit: str, duration_ms: int | None = None) -> list[Effect]:
        """Send one key as a signal; without duration, signal_update() may follow."""
        return self._out(user_input.signal(digit, duration_ms))

    def signal_update(self, duration_ms: int) -> list[Effect]:
        """The last signal lasts so long."""
        return self._out(user_input.signal_update(duration_ms))

    def generic(self, kind: str, message: dict[str, Any]) -> list[Effect]:
        """A GenericMessage of the owner's; `kind` is request, response, command or indication."""
        name = f"generic{kind.capitalize()}"
        return self._out([Send((kind, (name, message)))])

    # ---- the conference (H.243)

    def assign_terminal(self, mcu: int, terminal: int) -> list[Effect]:
        """Number the peer in our conference; before ask_password(), which answers with the number."""
        return self._out(self.machines.conference.assign(Label(mcu, terminal)))

    def ask_password(self) -> list[Effect]:
        """Ask for the conference's password: Password follows from a terminal that can, nothing from others."""
        return self._out(self.machines.conference.ask_password())

    def answer_password(self, octets: bytes) -> list[Effect]:
        """Answer PasswordWanted."""
        return self._out(self.machines.conference.answer_password(octets))

    def set_terminals(self, terminals: dict[Label, str]) -> list[Effect]:
        """Who is in the conference, by number and name; the peer is told who came and went."""
        return self._out(self.machines.conference.set_terminals(terminals))

    # ---- content (H.239)

    def request_content(self, number: int, now: float) -> list[Effect]:
        """We want to present on channel `number`, not yet open: ContentToken GRANTED or REFUSED follows."""
        return self._out(self.machines.content.request(number, now))

    def grant_content(self) -> list[Effect]:
        """The peer may present."""
        return self._out(self.machines.content.grant())

    def refuse_content(self) -> list[Effect]:
        """It may not."""
        return self._out(self.machines.content.refuse())

    def release_content(self) -> list[Effect]:
        """We present no longer."""
        return self._out(self.machines.content.release())

    def indicate_content(self) -> list[Effect]:
        """Say again that we present (presentationTokenIndicateOwner), to a peer that came later."""
        return self._out(self.machines.content.indicate())

    # ---- inside

    def _out(self, effects: list[Effect]) -> list[Effect]:
        """What leaves: nothing after the end, and Ready as soon as it is true."""
        if self.is_ended:
            return []
        if any(isinstance(effect, Failed) for effect in effects):
            self.is_ended = True
            return effects
        if any(isinstance(effect, EndSession) for effect in effects):
            return [*self.end_session(), *effects]
        was_ready, self._was_ready = self._was_ready, self.is_ready
        return [*effects, Ready(self.is_master)] if self.is_ready and not was_ready else effects
