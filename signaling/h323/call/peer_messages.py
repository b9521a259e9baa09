"""What each message of the peer does to a call (H.225.0 7.3, H.323 8.1 to 8.5)."""

from __future__ import annotations

from collections.abc import Callable

from signaling.h323.call import events
from signaling.h323.call import setup as setups
from signaling.h323.call.causes import Cause, cause_of
from signaling.h323.call.core import CallCore
from signaling.h323.call.message import Signal
from signaling.h323.call.states import FROM_PEER, Input
from signaling.h323.call.timers import Timer
from signaling.h323.errors import MalformedPduError
from signaling.h323.q931 import Id, MessageType
from signaling.h323.q931_elements import (
    CallState,
    call_state,
    read_call_state,
    read_cause,
    read_keypad,
    read_text,
)
from signaling.h323.q931_elements import (
    cause as cause_element,
)
from signaling.h323.ras import address, alias
from signaling.h323.traversal import MediaFeature

_GOALS = ("create", "join", "invite")
_REDIRECTIONS = ("callForwarded", "routeCallToGatekeeper", "routeCallToMC")

Handler = Callable[[CallCore, Signal, float], None]


def handle(core: CallCore, signal: Signal, now: float) -> bool:
    """Do what a message asks for; False for one that is not for this call, or not now. Raises MalformedPduError."""
    if not _is_ours(core, signal):
        return False
    core.path.hear(signal.is_tunnelling, signal.is_provisional, bool(signal.control))
    step = FROM_PEER.get(signal.type)
    if step is not None and not core.step(step):
        return False
    if signal.type in _HANDLERS:
        _HANDLERS[signal.type](core, signal, now)
    if core.is_tunnelling:
        for unit in signal.control:
            core.tell_of_control(core.session.receive(unit, now), now)
    return True


def end_of(signal: Signal) -> tuple[int, str]:
    """What a ReleaseComplete says: cause, and ReleaseCompleteReason, "" where it says none that we know."""
    reason = str(signal.body.get("reason", ("", 0))[0])
    cause = _cause(signal)
    if reason.startswith("_"):  # of a later version
        reason = ""
    return cause_of(reason) if cause is None else cause, reason


def _is_ours(core: CallCore, signal: Signal) -> bool:
    if core.identity is None:
        return signal.type == MessageType.SETUP and not signal.q931.is_from_destination
    found = (signal.q931.call_reference, signal.q931.is_from_destination)
    return found == (core.identity.reference, core.is_origin)


def _common(core: CallCore, signal: Signal, *, is_last: bool = False) -> None:
    """What any message behind Setup may say beside its own."""
    if signal.tokens:
        core.tell([events.TokensReceived(signal.type, signal.tokens, signal.crypto_tokens)])
    if core.is_origin and (feature := MediaFeature.find(signal.body)) and core.hear_traversal(feature):
        core.tell([events.TraversalAgreed(feature)])
    if core.is_origin:
        core.tell(core.fast_start.hear(signal, is_last=is_last))
    if signal.control_address is not None:
        core.path.hear_address(signal.control_address, is_start=_facility_reason(signal) == "startH245")


def _on_setup(core: CallCore, signal: Signal, _now: float) -> None:
    setup = setups.parse(signal)
    core.identity = setup.identity
    core.hear_traversal(setup.traversal)
    core.fast_start.propose(setup.fast_start)
    if setup.control_address is not None:
        core.path.hear_address(setup.control_address, is_start=False)
    if setup.goal not in _GOALS:  # H.450 and the like, without a call
        core.clear(Cause.NOT_IMPLEMENTED)
        return
    core.step(Input.PROCEED)
    core.send(MessageType.CALL_PROCEEDING, core.destination())
    core.tell([events.Incoming(setup)])


def _on_setup_acknowledge(core: CallCore, signal: Signal, now: float) -> None:
    core.timers.wait_on(Timer.T304, now)
    _common(core, signal)
    core.tell([events.MoreDigits()])


def _on_call_proceeding(core: CallCore, signal: Signal, now: float) -> None:
    if core.state is CallState.OUTGOING_CALL_PROCEEDING:
        core.timers.wait_on(Timer.T310, now)
    _common(core, signal)
    core.tell([events.Proceeding()])


def _on_progress(core: CallCore, signal: Signal, now: float) -> None:
    core.timers.wait_on(Timer.T301, now)  # T310 ends (Q.931 5.1.6), and something has to run
    _common(core, signal)
    core.tell([events.Progressed()])


def _on_alerting(core: CallCore, signal: Signal, now: float) -> None:
    core.timers.wait_on(Timer.T301, now)
    _common(core, signal)
    core.tell([events.Alerting(_display(signal))])


def _on_connect(core: CallCore, signal: Signal, now: float) -> None:
    core.timers.stop()
    _common(core, signal, is_last=True)
    body = signal.body
    core.tell([events.Connected(body["conferenceID"], _display(signal), body["destinationInfo"])])
    core.became_active(now)


def _on_facility(core: CallCore, signal: Signal, _now: float) -> None:
    reason = _facility_reason(signal)
    _common(core, signal)
    if reason == "noH245":
        core.has_no_control()
    if reason not in _REDIRECTIONS:
        return
    where = signal.body.get("alternativeAddress")
    redirected = events.Redirected(
        reason,
        None if where is None else address.parse(where),
        alias.parse_all(signal.body.get("alternativeAliasAddress")),
        signal.body.get("conferenceID"),
    )
    core.tell([redirected])
    if core.is_origin and core.state is not CallState.ACTIVE:
        core.clear(Cause.NORMAL_CLEARING, "facilityCallDeflection")


def _on_information(core: CallCore, signal: Signal, _now: float) -> None:
    _common(core, signal)
    if digits := read_keypad(signal.q931.find(Id.KEYPAD) or b""):
        core.tell([events.KeypadDigits(digits)])


def _on_notify(core: CallCore, signal: Signal, _now: float) -> None:
    _common(core, signal)


def _on_status_enquiry(core: CallCore, signal: Signal, _now: float) -> None:
    _common(core, signal)
    core.send(MessageType.STATUS, {}, [cause_element(Cause.RESPONSE_TO_STATUS_ENQUIRY), call_state(core.state)])


def _on_status(core: CallCore, signal: Signal, _now: float) -> None:
    core.timers.stop(Timer.T322)
    _common(core, signal)
    state = read_call_state(signal.q931.find(Id.CALL_STATE) or b"")
    core.tell([events.StatusReceived(state, _cause(signal))])
    if state == CallState.NULL:  # it knows of no call (Q.931 5.8.11)
        core.clear(Cause.WRONG_STATE, is_by_peer=True, is_silent=True)


def _on_release_complete(core: CallCore, signal: Signal, _now: float) -> None:
    _common(core, signal)
    core.clear(*end_of(signal), is_by_peer=True, is_silent=True)


def _facility_reason(signal: Signal) -> str:
    """Nothing for another message, or for the empty one that only carries."""
    return str(signal.body["reason"][0]) if signal.type == MessageType.FACILITY and signal.body else ""


def _display(signal: Signal) -> str:
    return read_text(signal.q931.find(Id.DISPLAY) or b"")


def _cause(signal: Signal) -> int | None:
    contents = signal.q931.find(Id.CAUSE)
    try:
        return None if contents is None else read_cause(contents)
    except MalformedPduError:
        return None


_HANDLERS: dict[int, Handler] = {
    MessageType.SETUP: _on_setup,
    MessageType.SETUP_ACKNOWLEDGE: _on_setup_acknowledge,
    MessageType.CALL_PROCEEDING: _on_call_proceeding,
    MessageType.PROGRESS: _on_progress,
    MessageType.ALERTING: _on_alerting,
    MessageType.CONNECT: _on_connect,
    MessageType.FACILITY: _on_facility,
    MessageType.INFORMATION: _on_information,
    MessageType.NOTIFY: _on_notify,
    MessageType.STATUS_ENQUIRY: _on_status_enquiry,
    MessageType.STATUS: _on_status,
    MessageType.RELEASE_COMPLETE: _on_release_complete,
}
