"""The accounting server: who is believed, that a request is taken once, and what its answer is."""

import random

import pytest

from auth8021x.accounting.server import AccountingClient, AccountingServer, Told
from auth8021x.directory.report import Kind
from auth8021x.wire import attribute, authenticity, packet
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.authenticity import check_response
from auth8021x.wire.dictionary import Code, Type
from auth8021x.wire.packet import Packet
from config.dot1x_sites import AccountingClientSettings, ListenerSettings
from tests.auth8021x.accounting.packets import INTERIM, ON, SECRET, cisco, huawei, request, status
from tests.auth8021x.directory.reports import directory
from tests.fuzz.mutator import mutate

NOW, UTC = 100.0, 1_800_000_000.0
SOURCE = ("10.0.0.1", 1024)
PROXY = (Attribute(Type.PROXY_STATE, b"one"), Attribute(Type.PROXY_STATE, b"two"))


def server(demands_event_timestamp: bool = False, **settings: float) -> AccountingServer:
    clients = (
        (AccountingClientSettings("core", ("10.0.0.0/24",), "north", "", 900, demands_event_timestamp), SECRET),
        (AccountingClientSettings("ward", ("10.0.0.7",), "ward"), b"other"),
    )
    return AccountingServer(ListenerSettings(**settings), [AccountingClient(*each) for each in clients])


def told(core: AccountingServer, data: bytes, source: tuple[str, int] = SOURCE, now: float = NOW) -> Told:
    found = core.receive(data, source, now, UTC)
    assert isinstance(found, Told)
    return found


def test_a_report_is_taken_and_acknowledged():
    core, asked = server(), request(*huawei(), *PROXY)
    found = told(core, asked)
    assert (found.report.kind, found.report.site, found.report.nas) == (Kind.START, "north", "core/10.0.0.1")
    reply = packet.parse(core.acknowledge(found))
    assert reply.code == Code.ACCOUNTING_RESPONSE
    assert reply.attributes == PROXY
    assert check_response(reply, packet.parse(asked).authenticator, SECRET) is None


def test_the_narrowest_network_says_who_it_is():
    core = server()
    found = told(core, request(*cisco(), secret=b"other"), ("10.0.0.7", 5))
    assert (found.report.site, found.report.nas) == ("ward", "ward/10.0.0.2")


def test_a_request_that_comes_again_is_taken_once_and_answered_again():
    core, asked = server(), request(*cisco())
    reply = core.acknowledge(told(core, asked))
    assert core.receive(asked, SOURCE, NOW + 1, UTC) == reply
    assert core.counters["repeated"] == 1
    assert core.receive(asked, ("10.0.0.1", 2000), NOW + 1, UTC) is None
    assert core.counters["replayed"] == 1
    told(core, asked, now=NOW + 31)


def test_what_could_not_be_taken_is_asked_again():
    core, asked = server(), request(*cisco())
    told(core, asked)
    reply = core.acknowledge(told(core, asked, now=NOW + 2))
    assert core.receive(asked, SOURCE, NOW + 4, UTC) == reply


@pytest.mark.parametrize(
    ("data", "source", "counter"),
    [
        (request(*cisco()), ("192.0.2.1", 1), "unknown-client"),
        (request(*cisco()), ("nowhere", 1), "unknown-client"),
        (request(*cisco()), ("10.0.0.7", 1), "wrong-authenticator"),
        (request(*cisco(), secret=b"guess"), SOURCE, "wrong-authenticator"),
        (request(*cisco())[:-1], SOURCE, "malformed"),
        (b"", SOURCE, "malformed"),
        (request(status(INTERIM), Attribute(Type.ACCT_DELAY_TIME, b"1")), SOURCE, "malformed"),
        (request(status(INTERIM), Attribute(Type.SERVICE_TYPE, b"1")), SOURCE, "malformed"),
        (Packet(Code.ACCESS_REQUEST, 1, bytes(16)).serialize(), SOURCE, "unexpected"),
        (Packet(Code.STATUS_SERVER, 1, bytes(16)).serialize(), SOURCE, "no-message-authenticator"),
        (request(*cisco(), Attribute(Type.MESSAGE_AUTHENTICATOR, bytes(16))), SOURCE, "wrong-message-authenticator"),
    ],
)
def test_what_is_not_believed_is_dropped_without_a_word(data: bytes, source: tuple[str, int], counter: str):
    core = server()
    assert core.receive(data, source, NOW, UTC) is None
    assert dict(core.counters) == {counter: 1}


def test_status_server_is_answered():
    core = server()
    asked = authenticity.seal_request(Packet(Code.STATUS_SERVER, 3, bytes(range(16))), SECRET)
    reply = core.receive(asked.serialize(), SOURCE, NOW, UTC)
    assert isinstance(reply, bytes)
    assert packet.parse(reply).code == Code.ACCOUNTING_RESPONSE
    assert check_response(packet.parse(reply), asked.authenticator, SECRET) is None


def test_what_is_about_no_session_is_acknowledged():
    core = server()
    reply = core.receive(request(attribute.number(Type.ACCT_STATUS_TYPE, 9)), SOURCE, NOW, UTC)
    assert isinstance(reply, bytes)
    assert core.counters["about-no-session"] == 1


@pytest.mark.parametrize(
    ("offset_s", "age_s", "counter"),
    [(0, 0, ""), (-299, 0, ""), (-1000, 1000, ""), (-301, 0, "old-event-timestamp"), (301, 0, "old-event-timestamp")],
)
def test_time_where_it_is_demanded(offset_s: int, age_s: int, counter: str):
    core = server(demands_event_timestamp=True)
    stamp = attribute.number(Type.EVENT_TIMESTAMP, int(UTC) + offset_s)
    found = core.receive(
        request(status(INTERIM), stamp, attribute.number(Type.ACCT_DELAY_TIME, age_s)), SOURCE, NOW, UTC
    )
    assert isinstance(found, Told) is not bool(counter)
    assert list(core.counters) == ([counter] if counter else [])
    assert core.receive(request(status(INTERIM)), SOURCE, NOW, UTC) is None
    assert core.counters["no-event-timestamp"] == 1


def test_rates_are_bounded_for_each_client():
    core = server(client_packets_per_s=10, packets_per_s=1000)
    taken = [core.receive(request(*cisco(), identifier=n), SOURCE, NOW, UTC) for n in range(60)]
    assert sum(each is not None for each in taken) == 40
    assert core.counters["rate-client"] == 20
    told(core, request(*cisco(), secret=b"other"), ("10.0.0.7", 5))
    told(core, request(*cisco(), identifier=99), now=NOW + 1)


def test_packets_that_prove_nothing_cost_nothing_of_their_clients_rate():
    core = server(client_packets_per_s=10, packets_per_s=100)
    for number in range(90):
        assert core.receive(request(*cisco(), identifier=number, secret=b"guess"), SOURCE, NOW, UTC) is None
    told(core, request(*cisco()))
    for number in range(20):
        core.receive(request(*cisco(), identifier=number, secret=b"guess"), SOURCE, NOW, UTC)
    assert core.counters["rate"] == 11


def test_what_is_remembered_is_bounded():
    core = server(max_remembered=2)
    for number in range(2):
        told(core, request(*cisco(), identifier=number))
    assert core.receive(request(*cisco(), identifier=3), SOURCE, NOW, UTC) is None
    assert core.counters["too-many"] == 1


@pytest.mark.exhaustive
def test_20_000_changed_packets_open_nothing():
    core, book = server(packets_per_s=1_000_000, client_packets_per_s=1_000_000), directory()
    seeds = [request(*huawei()), request(*cisco())]
    chance = random.Random(6)
    for _ in range(20_000):
        changed = mutate(chance, seeds, 5000)
        if not changed.startswith(tuple(seeds)):
            assert not isinstance(core.receive(changed, SOURCE, NOW, UTC), Told)
    # The same with the secret, as of a switch that is out of its mind.
    for _ in range(5000):
        changed = mutate(chance, seeds, 4000)
        try:
            sealed = authenticity.seal_request(packet.parse(changed), SECRET).serialize()
        except ValueError:
            continue
        found = core.receive(sealed, SOURCE, NOW, UTC)
        if isinstance(found, Told):
            book.report(found.report, UTC)
    assert sum(len(session.addresses) for session in book.sessions()) == book.gauges()["addresses"]
    assert isinstance(core.receive(seeds[0], SOURCE, NOW + 31, UTC), Told)


def test_no_secret_is_in_a_repr():
    core = server()
    found = told(core, request(*cisco()))
    assert "xyzzy" not in repr(found) + repr(core.__dict__)


def test_what_somebody_recorded_counts_never_again_where_time_is_demanded():
    """Accounting-On would end all sessions of the switch once more, as long as its time is in the window."""
    core, stamp = server(demands_event_timestamp=True), attribute.number(Type.EVENT_TIMESTAMP, int(UTC) + 299)
    asked = request(status(ON), stamp)
    core.acknowledge(told(core, asked))
    for after_s in (31, 300, 598, 599, 600):
        core.receive(asked, SOURCE, NOW + after_s, UTC + after_s)
    assert dict(core.counters) == {"acknowledged": 1, "repeated": 4, "old-event-timestamp": 1}
