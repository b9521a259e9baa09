"""What a login that was tried came to, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cryptography import x509

from audit.lines import shown
from auth8021x.pae.grant import Grant
from auth8021x.supplicant.methods import NAMES
from auth8021x.supplicant.peer import Peer
from auth8021x.supplicant.tls_method import TlsPeer
from auth8021x.supplicant.trial import Outcome
from auth8021x.wire.dictionary import TerminationAction
from config.dot1x_enforcement import EnforcementSettings
from drumtower.radius_servers import EMBEDDED

_REASONS: Final = {
    "rejected": "refused: name, password or certificate are not right, or the server does not let them in from here",
    "challenged": "asks for something else than a password, which old devices cannot give",
    "accept-without-eap": "let them in without a word to the device (no EAP-Message), which opens no port",
    "accept-without-success": "let them in and told the device the opposite, which opens no port",
    "accept-without-method": "let them in before anything was proved, which opens no port",
    "challenge-without-request": "asked for something that is no EAP",
    "malformed-answer": "answered with attributes that cannot be read, or that name half a VLAN, which opens no port",
    "too-many-rounds": "did not come to an end",
}

_WITHOUT_EAP: Final = {"pap": "PAP, without EAP", "mac": "by its address alone"}


def success(
    name: str, method: str, outcome: Outcome, grant: Grant, peer: Peer | None, enforcement: EnforcementSettings
) -> Iterator[str]:
    """Lines for who would be let in."""
    how = _WITHOUT_EAP.get(method, method) if peer is None else NAMES.get(peer.method.kind, method)
    times = "1 request" if outcome.rounds == 1 else f"{outcome.rounds} requests"
    yield f"{name}: let in by {_server(outcome)} ({how}, {times}, {outcome.took_s:.3f} s)"
    if grant.identity != name:
        yield f"  as       {shown(grant.identity)}"
    yield f"  VLAN     {shown(grant.vlan) or 'that of the port'}"
    if grant.vlan and enforcement.ports and grant.vlan not in {each.vlan for each in enforcement.networks}:
        yield "           which is none of [[dot1x.enforcement.networks]]: our own ports would let nobody in with it"
    if grant.filter_id:
        yield f"  role     {shown(grant.filter_id)}"
    yield f"  for      {_how_long(grant)}"
    if certificate := _certificate(peer):
        yield f"  server   {certificate}"
    for text in _words(outcome, peer):
        yield f"  says     {text}"
    if outcome.is_excused:
        yield "  note     it had no Message-Authenticator, so that somebody in between may have made it"


def refusal(name: str, outcome: Outcome, peer: Peer | None) -> str:
    """Why somebody would not be let in."""
    what = _REASONS.get(outcome.reason, outcome.reason or "let them in")
    parts = [f"{name}: {_server(outcome)} {what}"]
    if peer is not None and peer.method.fault:
        parts.append(f"  {peer.method.fault}")
    elif peer is not None and not peer.has_run:
        wanted, offered = NAMES[peer.method.kind], ", ".join(NAMES.get(kind, str(kind)) for kind in peer.offered)
        parts.append(f"  {wanted} did not run: the server offers {offered or 'nothing'}; see --method")
    parts += [f"  it says: {text}" for text in _words(outcome, peer)]
    return "\n".join(parts)


def _server(outcome: Outcome) -> str:
    return "the embedded server" if outcome.server == EMBEDDED else outcome.server


def _how_long(grant: Grant) -> str:
    if grant.session_timeout_s is None:
        return "as long as it likes"
    is_asked_again = grant.termination_action is TerminationAction.RADIUS_REQUEST
    return f"{grant.session_timeout_s} s, then {'it is asked again' if is_asked_again else 'it is put out'}"


def _certificate(peer: Peer | None) -> str:
    """The server's certificate: its names, and until when."""
    method = peer.method if peer is not None else None
    der = method.server_certificate if isinstance(method, TlsPeer) else None
    if der is None:
        return ""
    try:
        found = x509.load_der_x509_certificate(der)
        return f"{shown(found.subject.rfc4514_string())}, until {found.not_valid_after_utc:%Y-%m-%d}"
    except (ValueError, TypeError):  # TypeError: a name of another kind of string than it has to be
        return "shows a certificate that cannot be read"


def _words(outcome: Outcome, peer: Peer | None) -> list[str]:
    return [shown(text) for text in (*outcome.messages, *(peer.notes if peer is not None else ()))]
