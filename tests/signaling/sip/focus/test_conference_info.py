"""Documents of RFC 4575, read back as a subscriber would."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sip.focus.conference_info import ConferenceInfo, MediaInfo, UserInfo, full, partial

NS = {"c": "urn:ietf:params:xml:ns:conference-info"}
ROOM = "sip:1001@192.0.2.1"
ANNA = UserInfo("sip:p1@anonymous.invalid", "Anna", media=(MediaInfo(1, "audio", "sendrecv"),))
BOB = UserInfo("sip:ward3@hospital.example", "病房三", ("participant", "chair"), joined_at="2026-11-23T08:00:00Z")


def info(*users: UserInfo) -> ConferenceInfo:
    return ConferenceInfo(ROOM, "Ward round", 36, users=users)


def entities(document: Element) -> dict[str, str]:
    return {user.attrib["entity"]: user.attrib["state"] for user in document.findall("c:users/c:user", NS)}


def test_full_state_tells_everything():
    document = fromstring(full(info(ANNA, BOB), 1))
    assert (document.attrib["entity"], document.attrib["state"], document.attrib["version"]) == (ROOM, "full", "1")
    assert document.findtext("c:conference-description/c:display-text", namespaces=NS) == "Ward round"
    assert document.findtext("c:conference-description/c:maximum-user-count", namespaces=NS) == "36"
    assert document.findtext("c:conference-state/c:user-count", namespaces=NS) == "2"
    assert document.findtext("c:conference-state/c:locked", namespaces=NS) == "false"
    assert entities(document) == {ANNA.entity: "full", BOB.entity: "full"}
    bob = document.findall("c:users/c:user", NS)[1]
    assert bob.findtext("c:display-text", namespaces=NS) == "病房三"
    assert [entry.text for entry in bob.findall("c:roles/c:entry", NS)] == ["participant", "chair"]
    assert bob.findtext("c:endpoint/c:joining-info/c:when", namespaces=NS) == "2026-11-23T08:00:00Z"


def test_children_keep_the_order_of_the_schema():
    document = fromstring(full(info(ANNA), 1))
    user = document.find("c:users/c:user", NS)
    endpoint = document.find("c:users/c:user/c:endpoint", NS)
    assert user is not None
    assert endpoint is not None

    def names(element: Element) -> list[str]:
        return [child.tag.partition("}")[2] for child in element]

    assert names(document) == ["conference-description", "conference-state", "users"]
    assert names(user) == ["display-text", "roles", "endpoint"]
    assert names(endpoint) == ["status", "joining-method", "media"]


def test_partial_state_tells_what_changed_and_who_left():
    muted = replace(ANNA, media=(MediaInfo(1, "audio", "recvonly"),))
    document = fromstring(partial(info(ANNA, BOB), info(muted), 7))
    assert (document.attrib["state"], document.attrib["version"]) == ("partial", "7")
    assert document.find("c:conference-description", NS) is None
    assert document.findtext("c:conference-state/c:user-count", namespaces=NS) == "1"
    assert entities(document) == {ANNA.entity: "full", BOB.entity: "deleted"}
    assert document.findtext("c:users/c:user/c:endpoint/c:media/c:status", namespaces=NS) == "recvonly"


def test_a_lock_alone_names_no_user():
    document = fromstring(partial(info(ANNA), replace(info(ANNA), is_locked=True), 2))
    assert document.findtext("c:conference-state/c:locked", namespaces=NS) == "true"
    assert document.find("c:users", NS) is None


def test_a_conference_that_ended_is_inactive_and_empty():
    document = fromstring(partial(info(ANNA), info(ANNA).ended, 3))
    assert document.findtext("c:conference-state/c:active", namespaces=NS) == "false"
    assert entities(document) == {ANNA.entity: "deleted"}


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=64))
def test_any_name_makes_a_readable_document(name: str):
    document = fromstring(full(info(replace(ANNA, name=name)), 1))
    shown = document.findtext("c:users/c:user/c:display-text", namespaces=NS) or ""
    assert len(shown) <= len(name)
