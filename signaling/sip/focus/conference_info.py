"""Documents of the conference event package (RFC 4575 5): who is in a room, whole or as what has changed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element, SubElement, tostring

CONTENT_TYPE = "application/conference-info+xml"
_NAMESPACE = "urn:ietf:params:xml:ns:conference-info"
# What XML 1.0 (2.2) does not allow in a document, whoever called themselves so.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """One stream of a participant (5.8)."""

    id: int
    type: str
    """audio, video or application (RFC 4575 5.8.2)."""
    status: str
    """From the participant's side: sendrecv, sendonly, recvonly, inactive."""
    label: str = ""


@dataclass(frozen=True, slots=True)
class UserInfo:
    """One participant with its only endpoint (5.6, 5.7)."""

    entity: str
    """URI that names the participant in this conference; it tells nobody's network address."""
    name: str
    roles: tuple[str, ...] = ("participant",)
    status: str = "connected"
    """connected, dialing-out, alerting, pending, on-hold (5.7.3)."""
    joining_method: str = "dialed-in"
    joined_at: str = ""
    """RFC 3339, UTC."""
    media: tuple[MediaInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class ConferenceInfo:
    """What a document says at one moment."""

    entity: str
    """The conference URI."""
    name: str = ""
    most_users: int = 0
    is_active: bool = True
    is_locked: bool = False
    users: tuple[UserInfo, ...] = ()

    @property
    def ended(self) -> ConferenceInfo:
        """The same conference when everybody has left and it is over."""
        return replace(self, is_active=False, users=())


def full(info: ConferenceInfo, version: int) -> bytes:
    """The whole state (4.3); what is told first, and to those who lost a version."""
    root = _root(info, version, "full")
    _describe(root, info)
    _state(root, info)
    users = SubElement(root, "users", state="full")
    for user in info.users:
        _user(users, user)
    return _document(root)


def partial(before: ConferenceInfo, after: ConferenceInfo, version: int) -> bytes:
    """What a subscriber who knows `before` needs to know `after` (4.4)."""
    root = _root(after, version, "partial")
    if (before.name, before.most_users) != (after.name, after.most_users):
        _describe(root, after)
    if _state_of(before) != _state_of(after):
        _state(root, after)
    known = {user.entity: user for user in before.users}
    changed = [user for user in after.users if known.get(user.entity) != user]
    gone = known.keys() - {user.entity for user in after.users}
    if changed or gone:
        users = SubElement(root, "users", state="partial")
        for user in changed:
            _user(users, user)
        for entity in sorted(gone):
            SubElement(users, "user", entity=_clean(entity), state="deleted")
    return _document(root)


def _root(info: ConferenceInfo, version: int, state: str) -> Element:
    return Element("conference-info", xmlns=_NAMESPACE, entity=_clean(info.entity), state=state, version=str(version))


def _describe(root: Element, info: ConferenceInfo) -> None:
    description = SubElement(root, "conference-description")
    _text(description, "display-text", info.name)
    uris = SubElement(description, "conf-uris")
    entry = SubElement(uris, "entry")
    _text(entry, "uri", info.entity)
    _text(entry, "purpose", "participation")
    if info.most_users:
        _text(description, "maximum-user-count", str(info.most_users))


def _state_of(info: ConferenceInfo) -> tuple[int, bool, bool]:
    return len(info.users), info.is_active, info.is_locked


def _state(root: Element, info: ConferenceInfo) -> None:
    count, is_active, is_locked = _state_of(info)
    state = SubElement(root, "conference-state")
    _text(state, "user-count", str(count))
    _text(state, "active", str(is_active).lower())
    _text(state, "locked", str(is_locked).lower())


def _user(users: Element, user: UserInfo) -> None:
    found = SubElement(users, "user", entity=_clean(user.entity), state="full")
    _text(found, "display-text", user.name)
    roles = SubElement(found, "roles")
    for role in user.roles:
        _text(roles, "entry", role)
    endpoint = SubElement(found, "endpoint", entity=_clean(user.entity))
    _text(endpoint, "status", user.status)
    _text(endpoint, "joining-method", user.joining_method)
    if user.joined_at:
        _text(SubElement(endpoint, "joining-info"), "when", user.joined_at)
    for media in user.media:
        stream = SubElement(endpoint, "media", id=str(media.id))
        _text(stream, "type", media.type)
        if media.label:
            _text(stream, "label", media.label)
        _text(stream, "status", media.status)


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = _clean(text)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _document(root: Element) -> bytes:
    text: str = tostring(root, encoding="unicode")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
