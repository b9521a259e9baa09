"""Floor control in SDP (RFC 8856, and RFC 4583 as older terminals write it): the m-line of BFCP."""

from __future__ import annotations

from dataclasses import replace

from signaling.bfcp.agreement import FLOOR, FloorAgreement, LocalFloor
from signaling.sip.sdp.codecs import number
from signaling.sip.sdp.session import Attributes, MediaDescription, SessionDescription

_PROTOCOLS = {"UDP/BFCP": False, "TCP/BFCP": True}
"""Whether it is TCP. With TLS or DTLS it is refused: the certificate of a terminal says nothing to us yet."""
_STREAM_KEYS = ("mstrm", "m-stream")  # RFC 8856 5.5, RFC 4583 7
CONTENT_LABEL = "12"


def is_floor_line(media: MediaDescription) -> bool:
    """Whether the m-line is for BFCP, by whatever transport."""
    return media.media == "application" and media.protocol.endswith("/BFCP")


def content_labels(description: SessionDescription) -> set[str]:
    """Labels (RFC 4574) of the streams that a floor is for."""
    lines = [media for media in description.media if is_floor_line(media) and media.port]
    return {label for media in lines for value in media.values("floorid") for label in _floor_id(value)[2]}


def answer_line(media: MediaDescription, local: LocalFloor, label: str) -> MediaDescription | None:
    """Our answer to an offered m-line for the content stream called `label`; None where it cannot be used."""
    is_tcp = _PROTOCOLS.get(media.protocol)
    if is_tcp is None or not media.port:
        return None
    role = "c-only" if (media.value("floorctrl") or "").split() == ["s-only"] else "s-only"
    attributes: list[tuple[str, str | None]] = [("floorctrl", role)]
    if role == "s-only":
        spelling = _spelling(media)
        attributes += _names(local, spelling, label)
    setup = media.value("setup")
    if is_tcp or setup is not None:
        attributes.append(("setup", "active" if setup == "passive" else "passive"))
    if is_tcp:
        connection = "existing" if media.value("connection") == "existing" else "new"
        attributes.append(("connection", connection))
    else:
        attributes.append(("bfcpver", "2"))
    if mid := media.value("mid"):
        attributes.insert(0, ("mid", mid))
    return MediaDescription("application", local.port, media.protocol, ("*",), attributes=tuple(attributes))


def offer_line(local: LocalFloor) -> MediaDescription:
    """The m-line of an offer of ours: UDP, server or client as the terminal likes."""
    attributes = (("floorctrl", "c-s"), *_names(local, _STREAM_KEYS[0], CONTENT_LABEL), ("bfcpver", "2"))
    return MediaDescription("application", local.port, "UDP/BFCP", ("*",), attributes=attributes)


def offer_again(line: MediaDescription) -> MediaDescription:
    """The m-line that we said last, in another offer: the connection stays (RFC 4145 5)."""
    again = {"setup": "actpass", "connection": "existing"}
    attributes = tuple((name, again.get(name, value)) for name, value in line.attributes)
    return replace(line, attributes=attributes)


def agree(
    ours: SessionDescription, theirs: SessionDescription, reachable: str, local: LocalFloor | None
) -> FloorAgreement | None:
    """What both descriptions come to; `reachable` is the address of the peer for our socket ("": unknown)."""
    if local is None:
        return None
    for mine, peer in zip(ours.media, theirs.media, strict=False):
        if is_floor_line(mine) and is_floor_line(peer) and mine.port and peer.port:
            return _agreement(mine, peer, reachable, local)
    return None


def _agreement(
    mine: MediaDescription, peer: MediaDescription, reachable: str, local: LocalFloor
) -> FloorAgreement | None:
    remote = (reachable, peer.port) if reachable else None
    is_tcp = _PROTOCOLS.get(mine.protocol, False)
    connects = is_tcp and (mine.value("setup") == "active" or peer.value("setup") == "passive")
    if _is_server(mine, peer):
        return FloorAgreement(True, local.conference_id, local.user_id, FLOOR, remote, is_tcp, connects)
    conference_id, user_id = number(peer.value("confid") or "", 2**32 - 1), number(peer.value("userid") or "", 0xFFFF)
    floors = [floor for value in peer.values("floorid") for floor in [_floor_id(value)[0]] if floor]
    if not floors:
        return None
    return FloorAgreement(False, conference_id, user_id, floors[0], remote, is_tcp, connects)


def _is_server(mine: MediaDescription, peer: MediaDescription) -> bool:
    """By both a=floorctrl; a peer that says nothing of itself names a conference where it is the server."""
    own, other = mine.value("floorctrl") or "", (peer.value("floorctrl") or "").split()
    if own == "s-only" or other == ["c-only"]:
        return True
    if own == "c-only" or other == ["s-only"]:
        return False
    return "c-s" in other or bool(other) or peer.value("confid") is None


def _names(local: LocalFloor, spelling: str, label: str) -> Attributes:
    floor_id = ("floorid", f"{FLOOR} {spelling}:{label}")
    return (("confid", str(local.conference_id)), ("userid", str(local.user_id)), floor_id)


def _spelling(media: MediaDescription) -> str:
    """As the peer writes it, where it says anything."""
    found = [key for value in media.values("floorid") for key in [_floor_id(value)[1]] if key]
    return found[0] if found else _STREAM_KEYS[0]


def _floor_id(value: str) -> tuple[int, str, list[str]]:
    """`1 mstrm:10 11` -> (1, "mstrm", ["10", "11"])."""
    floor, _, rest = value.partition(" ")
    key, colon, labels = rest.strip().partition(":")
    known = key.strip().lower()
    return (
        (number(floor, 0xFFFF), known, labels.split()) if colon and known in _STREAM_KEYS else (number(floor), "", [])
    )
