"""One dialog (RFC 3261 12): identifiers, sequence numbers, route set, remote target, and where its requests go."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass, field, replace

from signaling.errors import SipError
from signaling.sip.sessions.offers import Offers
from signaling.sip.transactions.transaction import Flow
from signaling.sip.wire.fields import cseq_of, from_of, to_of, top_via
from signaling.sip.wire.message import Headers, Request, Response
from signaling.sip.wire.uri import NameAddr, Uri, parse_name_addr, parse_uri

DialogId = tuple[str, str, str]
"""Call-ID, local tag, remote tag."""
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(slots=True)
class Dialog:
    """State of one dialog. `flow` is how the peer was last heard or reached."""

    call_id: str
    local: NameAddr
    remote: NameAddr
    remote_target: Uri
    local_contact: Uri
    route_set: tuple[str, ...]
    flow: Flow
    is_nat: bool = False
    """The peer's own idea of its address differs from where its packets come from."""
    keeps_flow: bool = False
    """Requests go by the flow alone, whatever the peer writes into Contact and Record-Route."""
    local_cseq: int = 0
    remote_cseq: int | None = None
    user_agent: str = ""
    contact_params: str = ""
    """Parameters of our Contact, as ";isfocus" (RFC 4579 5.1)."""
    allows: frozenset[str] = frozenset()
    """What the peer's last Allow listed."""
    is_ours: bool = False
    """We made the Call-ID: after glare we wait longer than the peer (RFC 3261 14.1)."""
    offers: Offers = field(default_factory=Offers)
    contact: str = field(init=False)
    """Our Contact header."""

    def __post_init__(self) -> None:
        self.contact = f"<{self.local_contact.serialize()}>{self.contact_params}"

    @property
    def id(self) -> DialogId:
        """Call-ID, local tag, remote tag."""
        return (self.call_id, self.local.tag, self.remote.tag)

    def become_focus(self, room: str) -> None:
        """Our end is a conference: from now on our Contact is its URI and says so (RFC 4579 5.1)."""
        self.local_contact = replace(self.local_contact, user=room)
        self.contact_params = ";isfocus"
        self.contact = f"<{self.local_contact.serialize()}>{self.contact_params}"

    def next_cseq(self) -> int:
        """The number of our next request (RFC 3261 12.2.1.1)."""
        self.local_cseq += 1
        return self.local_cseq

    def learn(self, headers: Headers) -> None:
        """Take Contact and Allow of a message that refreshes the target; what is not readable changes nothing."""
        self.refresh_target(headers)
        if "Allow" in headers:
            self.allows = frozenset(headers.values("Allow"))

    def request(self, method: str, cseq: int | None = None) -> Request:
        """A request within the dialog (RFC 3261 12.2.1.1); an ACK is given the number of its INVITE."""
        cseq = self.next_cseq() if cseq is None else cseq
        headers = Headers()
        headers.add("Max-Forwards", "70")
        headers.add("From", self.local.serialize())
        headers.add("To", self.remote.serialize())
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{cseq} {method}")
        uri, routes = self._routing()
        for route in routes:
            headers.add("Route", route)
        headers.add("Contact", self.contact)
        if self.user_agent:
            headers.add("User-Agent", self.user_agent)
        return Request(method, uri.serialize(), headers)

    def receive_request(self, request: Request, flow: Flow) -> None:
        """Check the order (RFC 3261 12.2.2) and refresh the target.

        Raises SipError: 500 for an old CSeq, 403 for one in clear where the dialog began over TLS.
        """
        if not self.is_from_peer(flow):
            raise SipError(403, "Secure Signalling Required")
        number = cseq_of(request.headers).number
        if self.remote_cseq is not None and number < self.remote_cseq:
            raise SipError(500, "CSeq out of order")
        self.remote_cseq = number
        self.flow, self.is_nat = flow, _is_nat(request, flow)
        if request.method in _REFRESHES:
            self.learn(request.headers)

    def refresh_target(self, headers: Headers) -> None:
        """Take a new Contact; a message without a readable one changes nothing."""
        with suppress(SipError):
            self.remote_target = _target_of(headers) or self.remote_target

    def is_from_peer(self, flow: Flow) -> bool:
        """Whether a message may belong to the dialog: what began over TLS stays there, or its grade would be a lie."""
        return flow.is_secure or not self.flow.is_secure

    def next_hop(self) -> Flow:
        """Where requests go: the first route or the Contact, if that can be reached, else the way the peer came.

        A Contact of the other address family (a terminal with an IPv6 Contact in an IPv4 call), one behind a NAT,
        one on our own machine and one with a host name are answered over the flow that the peer itself uses.
        """
        if self.keeps_flow:
            return self.flow
        target = parse_name_addr(self.route_set[0]).uri if self.route_set else self.remote_target
        transport = (target.param("transport") or ("tls" if target.scheme == "sips" else "udp")).lower()
        if transport == "tcp" and target.scheme == "sips":
            transport = "tls"
        is_known = transport in ("udp", "tcp", "tls") and (transport == "tls" or not self.flow.is_secure)
        if not is_known or not self._is_reachable(target.host):
            return self.flow
        # An open connection is used again; its remote address is only for when it is gone.
        connection = self.flow.connection if transport == self.flow.transport else 0
        port = target.port or (5061 if transport == "tls" else 5060)
        # Behind a name that was called and proved is the same machine under its address.
        host = self.flow.host if target.host == self.flow.remote[0] else ""
        return Flow(transport, self.flow.local, (target.host, port), connection, host)

    def _is_reachable(self, host: str) -> bool:
        if self.is_nat and not self.route_set:
            return False
        try:
            address = ipaddress.ip_address(host)
            local = ipaddress.ip_address(self.flow.local[0])
            peer = ipaddress.ip_address(self.flow.remote[0])
        except ValueError:
            return False
        if _is_here(address, local) and not _is_here(peer, local):
            return False
        return address.version == local.version and not address.is_unspecified and not address.is_multicast

    def _routing(self) -> tuple[Uri, tuple[str, ...]]:
        """Loose and strict routing (RFC 3261 12.2.1.1)."""
        target = replace(self.remote_target, headers="")
        if not self.route_set:
            return target, ()
        first = parse_name_addr(self.route_set[0]).uri
        if first.param("lr") is not None:
            return target, self.route_set
        return first, (*self.route_set[1:], f"<{target.serialize()}>")


_REFRESHES = frozenset({"INVITE", "UPDATE"})


def uas_dialog(request: Request, flow: Flow, local_tag: str, contact: Uri) -> Dialog:
    """The dialog of an INVITE that we answer. A passcode in the To URI is not kept. Raises SipError."""
    headers = request.headers
    local = to_of(headers).with_tag(local_tag)
    if parse_uri(request.uri).scheme == "sips":  # RFC 3261 12.1.1
        contact = contact.secured()
    return Dialog(
        call_id=headers.get("Call-ID"),
        local=NameAddr(local.uri.without_passcode(), local.display_name, local.params),
        remote=from_of(headers),
        remote_target=_target_of(headers) or from_of(headers).uri,  # RFC 2543 knows INVITEs without a Contact
        local_contact=contact,
        route_set=tuple(headers.values("Record-Route")),
        flow=flow,
        is_nat=_is_nat(request, flow),
        remote_cseq=cseq_of(headers).number,
        allows=frozenset(headers.values("Allow")),
    )


def uac_dialog(request: Request, response: Response, flow: Flow, contact: Uri) -> Dialog:
    """The dialog that a response to our INVITE makes (RFC 3261 12.1.2). Raises SipError."""
    route_set = tuple(reversed(response.headers.values("Record-Route")))
    for route in route_set:
        parse_name_addr(route)
    return Dialog(
        call_id=request.headers.get("Call-ID"),
        local=from_of(request.headers),
        remote=to_of(response.headers),
        remote_target=_target_of(response.headers) or parse_uri(request.uri),
        local_contact=contact,
        route_set=route_set,
        flow=flow,
        local_cseq=cseq_of(request.headers).number,
        user_agent=request.headers.get("User-Agent"),
        allows=frozenset(response.headers.values("Allow")),
        is_ours=True,
    )


def _is_here(address: _Address, local: _Address) -> bool:
    """Whether this is our machine or its link, whose services trust who reaches them: nobody else sends us there."""
    return address == local or address.is_loopback or address.is_link_local


def _target_of(headers: Headers) -> Uri | None:
    """The Contact, where there is one. Raises SipError."""
    contacts = headers.values("Contact")
    uri = parse_name_addr(contacts[0]).uri if contacts else None
    if uri is not None and uri.scheme not in ("sip", "sips"):
        raise SipError(400, "Contact is no SIP URI")
    return uri


def dialog_id_of_request(request: Request) -> DialogId:
    """The id under which the receiver of a request keeps its dialog. Raises SipError."""
    headers = request.headers
    to, origin = to_of(headers), from_of(headers)
    return (headers.get("Call-ID"), to.tag, origin.tag)


def dialog_id_of_response(response: Response) -> DialogId:
    """The id under which the sender of the request keeps its dialog. Raises SipError."""
    headers = response.headers
    to, origin = to_of(headers), from_of(headers)
    return (headers.get("Call-ID"), origin.tag, to.tag)


def _is_nat(request: Request, flow: Flow) -> bool:
    """Whether the only hop wrote another address than its packets carry (the Via was stamped on arrival)."""
    vias = request.headers.values("Via")
    via = top_via(request.headers)
    source, port = via.response_address()
    other_port = not flow.is_reliable and port != (via.port or 5060)  # the port of a TCP client says nothing
    if via.host == source:
        return len(vias) == 1 and other_port
    try:
        other_address = ipaddress.ip_address(via.host) != ipaddress.ip_address(source)
    except ValueError:
        return False
    return len(vias) == 1 and (other_address or other_port)
