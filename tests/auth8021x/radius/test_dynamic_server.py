"""Disconnect and CoA: who is believed, that an order is done once, and what its answer says."""

import hashlib
import random
from pathlib import Path

import msgspec
import pytest

from auth8021x.radius import dynamic_udp
from auth8021x.radius.dynamic_orders import Change, Kind, Selector
from auth8021x.radius.dynamic_server import DynamicClient, DynamicServer, Pending
from auth8021x.wire import attribute, authenticity, packet, tunnel
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.authenticity import check_response
from auth8021x.wire.dictionary import Code, ErrorCause, TerminationAction, Type
from auth8021x.wire.packet import Packet
from config.dot1x import Dot1xSettings
from tests.fuzz.mutator import mutate

NOW = 1_800_000_000.0
SECRET = b"dassecret"
SOURCE = ("192.0.2.9", 40_000)
STATION = attribute.text(Type.CALLING_STATION_ID, "02-00-00-AA-00-01")
PROXY = (Attribute(Type.PROXY_STATE, b"one"), Attribute(Type.PROXY_STATE, b"two"))


def server(**options: bool) -> DynamicServer:
    clients = [DynamicClient("main", "192.0.2.9", SECRET, **options), DynamicClient("other", "2001:db8::9", b"other")]
    return DynamicServer(clients, "bed-nas1", ["192.0.2.1"], 300, 100)


def stamp(offset: float = 0) -> Attribute:
    return attribute.number(Type.EVENT_TIMESTAMP, int(NOW + offset))


def request(
    *attributes: Attribute, code: Code = Code.DISCONNECT_REQUEST, identifier: int = 7, secret: bytes = SECRET
) -> bytes:
    return authenticity.seal_request(Packet(code, identifier, attributes=attributes), secret).serialize()


def replied(asked: bytes, reply: object) -> tuple[int, int | None]:
    """Code and Error-Cause of a reply, which has to be proved."""
    assert isinstance(reply, bytes)
    found = packet.parse(reply)
    assert check_response(found, packet.parse(asked).authenticator, SECRET) is None
    assert found.attributes[0].type == Type.MESSAGE_AUTHENTICATOR
    return found.code, attribute.first_number(found.attributes, Type.ERROR_CAUSE)


def test_a_disconnect_is_done_and_answered():
    das = server()
    asked = request(stamp(), STATION, *PROXY, attribute.text(Type.NAS_IDENTIFIER, "bed-nas1"))
    found = das.receive(asked, SOURCE, NOW)
    assert isinstance(found, Pending)
    assert (found.order.kind, found.order.client) == (Kind.DISCONNECT, "main")
    assert found.order.selector == Selector(mac=bytes.fromhex("020000aa0001"))
    reply = das.reply(found.origin, None)
    assert replied(asked, reply) == (Code.DISCONNECT_ACK, None)
    assert attribute.every(packet.parse(reply).attributes, Type.PROXY_STATE) == [b"one", b"two"]


def test_a_refusal_says_why():
    das = server()
    asked = request(stamp(), STATION)
    found = das.receive(asked, SOURCE, NOW)
    assert isinstance(found, Pending)
    reply = das.reply(found.origin, ErrorCause.SESSION_CONTEXT_NOT_FOUND)
    assert replied(asked, reply) == (Code.DISCONNECT_NAK, 503)


def test_a_change_of_everything():
    das = server()
    asked = request(
        stamp(), STATION, attribute.text(Type.ACCT_SESSION_ID, "s1"), attribute.number(Type.NAS_PORT, 3),
        attribute.text(Type.USER_NAME, "vt1"), attribute.number(Type.SESSION_TIMEOUT, 60),
        attribute.number(Type.TERMINATION_ACTION, 1), attribute.number(Type.ACCT_INTERIM_INTERVAL, 120),
        attribute.text(Type.FILTER_ID, "video"), *tunnel.vlan_attributes("42"), code=Code.COA_REQUEST,
    )  # fmt: skip
    found = das.receive(asked, SOURCE, NOW)
    assert isinstance(found, Pending)
    assert found.order.selector == Selector("vt1", bytes.fromhex("020000aa0001"), "s1", 3)
    assert found.order.change == Change(60, TerminationAction.RADIUS_REQUEST, 120, "video", "42")
    assert replied(asked, das.reply(found.origin, None)) == (Code.COA_ACK, None)


@pytest.mark.parametrize(
    ("asked", "cause"),
    [
        (request(stamp()), ErrorCause.MISSING_ATTRIBUTE),
        (request(stamp(), STATION, code=Code.COA_REQUEST), ErrorCause.MISSING_ATTRIBUTE),
        (request(stamp(), STATION, Attribute(Type.FRAMED_MTU, bytes(4))), ErrorCause.UNSUPPORTED_ATTRIBUTE),
        (request(stamp(), STATION, attribute.number(Type.SESSION_TIMEOUT, 5)), ErrorCause.UNSUPPORTED_ATTRIBUTE),
        (request(stamp(), STATION, attribute.number(Type.SERVICE_TYPE, 17)), ErrorCause.UNSUPPORTED_SERVICE),
        (request(stamp(), STATION, attribute.text(Type.NAS_IDENTIFIER, "x")), ErrorCause.NAS_IDENTIFICATION_MISMATCH),
        (request(stamp(), STATION, attribute.nas_address("192.0.2.2")), ErrorCause.NAS_IDENTIFICATION_MISMATCH),
        (request(stamp(), attribute.text(Type.CALLING_STATION_ID, "vt1")), ErrorCause.INVALID_ATTRIBUTE_VALUE),
        (request(stamp(), attribute.text(Type.USER_NAME, "")), ErrorCause.INVALID_ATTRIBUTE_VALUE),
        (request(stamp(), Attribute(Type.NAS_PORT, b"\1")), ErrorCause.INVALID_ATTRIBUTE_VALUE),
        (
            request(stamp(), STATION, attribute.number(Type.TERMINATION_ACTION, 9), code=Code.COA_REQUEST),
            ErrorCause.INVALID_ATTRIBUTE_VALUE,
        ),
        (
            request(stamp(), STATION, *tunnel.vlan_attributes("42")[:2], code=Code.COA_REQUEST),
            ErrorCause.INVALID_ATTRIBUTE_VALUE,
        ),
    ],
)
def test_what_cannot_be_done_is_refused_whole(asked: bytes, cause: ErrorCause):
    code, found = replied(asked, server().receive(asked, SOURCE, NOW))
    assert code in (Code.DISCONNECT_NAK, Code.COA_NAK)
    assert found == cause


@pytest.mark.parametrize(
    ("asked", "source", "counter"),
    [
        (request(stamp(), STATION), ("192.0.2.8", 1), "unknown-client"),
        (request(stamp(), STATION), ("nowhere", 1), "unknown-client"),
        (request(stamp(), STATION, secret=b"other"), SOURCE, "wrong-authenticator"),
        (request(stamp(-301), STATION), SOURCE, "old-event-timestamp"),
        (request(stamp(301), STATION), SOURCE, "old-event-timestamp"),
        (request(STATION), SOURCE, "no-event-timestamp"),
        (request(stamp(), STATION)[:-1], SOURCE, "malformed"),
        (request(Attribute(Type.EVENT_TIMESTAMP, b"1"), STATION), SOURCE, "malformed"),
        (request(stamp(), STATION, code=Code.ACCESS_REQUEST), SOURCE, "unexpected"),
        (request(stamp(), STATION, code=Code.DISCONNECT_ACK), SOURCE, "unexpected"),
    ],
)
def test_what_is_not_believed_is_dropped_without_a_word(asked: bytes, source: tuple[str, int], counter: str):
    das = server()
    assert das.receive(asked, source, NOW) is None
    assert das.counters[counter] == 1


def _without_proof(*attributes: Attribute) -> bytes:
    import hashlib

    from msgspec.structs import replace

    made = Packet(Code.DISCONNECT_REQUEST, 7, attributes=attributes)
    return replace(made, authenticator=hashlib.md5(made.serialize() + SECRET).digest()).serialize()


def test_message_authenticator_and_time_are_asked_for_unless_switched_off():
    bare = _without_proof(STATION)
    assert server().receive(bare, SOURCE, NOW) is None
    lenient = server(demands_message_authenticator=False, demands_event_timestamp=False)
    assert isinstance(lenient.receive(bare, SOURCE, NOW), Pending)
    assert lenient.excused.total() == 1
    assert isinstance(lenient.receive(request(stamp(), STATION), SOURCE, NOW), Pending)
    assert lenient.excused.total() == 1, "this one brought its proof"


def test_a_request_that_comes_again_is_done_once_and_answered_again():
    das = server()
    asked = request(stamp(), STATION)
    found = das.receive(asked, SOURCE, NOW)
    assert isinstance(found, Pending)
    assert das.receive(asked, SOURCE, NOW + 1) is None, "it is being done"
    reply = das.reply(found.origin, None)
    assert das.receive(asked, SOURCE, NOW + 2) == reply
    assert das.counters["repeated"] == 2
    other = das.receive(request(stamp(1), STATION, identifier=8), SOURCE, NOW + 2)
    assert isinstance(other, Pending)


def test_what_somebody_recorded_is_worth_nothing():
    das = server()
    asked = request(stamp(), STATION)
    found = das.receive(asked, SOURCE, NOW)
    assert isinstance(found, Pending)
    das.reply(found.origin, None)
    assert das.receive(asked, ("192.0.2.9", 50_000), NOW + 2) is None
    assert das.counters["replayed"] == 1
    assert das.receive(asked, SOURCE, NOW + 700) is None
    assert das.counters["old-event-timestamp"] == 1


def test_one_from_the_future_is_remembered_until_its_time_refuses_it():
    das = server()
    asked = request(stamp(299), STATION)
    assert isinstance(das.receive(asked, SOURCE, NOW), Pending)
    for later in (1, 300, 598, 599, 600, 1000):
        assert das.receive(asked, ("192.0.2.9", 50_000), NOW + later) is None


def test_past_what_can_be_remembered_nothing_is_taken():
    das = server()
    for number in range(100):
        found = das.receive(request(stamp(), STATION, identifier=number), SOURCE, NOW)
        assert isinstance(found, Pending)
    assert das.receive(request(stamp(), STATION, identifier=101), SOURCE, NOW) is None
    assert das.counters["too-many"] == 1
    assert isinstance(das.receive(request(stamp(602), STATION, identifier=101), SOURCE, NOW + 602), Pending)


@pytest.mark.exhaustive
def test_20_000_changed_requests_do_nothing():
    das = server()
    good = request(stamp(), STATION)
    chance = random.Random(5)
    for _ in range(20_000):
        changed = mutate(chance, [good], 4096)
        if not changed.startswith(good):
            assert das.receive(changed, SOURCE, NOW) is None
    assert isinstance(das.receive(good, SOURCE, NOW), Pending)


def test_no_secret_is_in_a_repr():
    das = server()
    found = das.receive(request(stamp(), STATION), SOURCE, NOW)
    assert "dassecret" not in repr(found) + repr(das.__dict__)


@pytest.mark.parametrize(
    ("nas_address", "listen", "named", "is_ours"),
    [
        ("", ["10.1.1.20"], "10.1.1.20", True),
        ("", ["10.1.1.20"], "10.1.1.21", False),
        ("", ["10.1.1.20", "2001:db8::20"], "2001:db8::20", True),
        ("", ["0.0.0.0"], "10.1.1.21", True),
        ("192.0.2.1", ["10.1.1.20"], "192.0.2.1", True),
        ("192.0.2.1", ["10.1.1.20"], "10.1.1.20", False),
    ],
)
def test_an_order_for_another_authenticator_is_none_for_us(
    tmp_path: Path, nas_address: str, listen: list[str], named: str, is_ours: bool
):
    file = tmp_path / "das"
    file.touch(0o600)
    file.write_bytes(SECRET)
    clients = [{"name": "main", "address": "192.0.2.9", "secret_file": str(file)}]
    settings = {"nas_address": nas_address, "dynamic": {"listen": listen, "clients": clients}}
    das = dynamic_udp.server(msgspec.convert(settings, Dot1xSettings))
    asked = request(stamp(), STATION, attribute.nas_address(named))
    found = das.receive(asked, SOURCE, NOW)
    if is_ours:
        assert isinstance(found, Pending)
    else:
        assert replied(asked, found) == (Code.DISCONNECT_NAK, ErrorCause.NAS_IDENTIFICATION_MISMATCH)


def test_what_leaves_no_room_for_its_answer_is_not_done():
    das = server(demands_message_authenticator=False, demands_event_timestamp=False)
    proxies = [Attribute(Type.PROXY_STATE, b"x" * 253)] * 15 + [Attribute(Type.PROXY_STATE, b"x" * 229)]
    asked = Packet(Code.DISCONNECT_REQUEST, 7, attributes=(STATION, *proxies))
    unsigned = asked.serialize()
    digest = hashlib.md5(unsigned + SECRET, usedforsecurity=False).digest()
    assert das.receive(unsigned[:4] + digest + unsigned[20:], SOURCE, NOW) is None
    assert das.counters["too-long"] == 1
