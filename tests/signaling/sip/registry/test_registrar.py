"""The registrar: digest, bindings, their times and limits (RFC 3261 10.3, RFC 3327, RFC 5626)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.ha1 import MD5, SHA256
from signaling.sip.authentication.authenticator import Outcome
from signaling.sip.authentication.digest import parse_answer, parse_challenge
from signaling.sip.registry.binding import Binding
from tests.signaling.sip.registry.registering import Site, Terminal, header, tcp, udp

CONTACT = "<sip:ward@10.0.0.7:5070>"


def contacts(site: Site, alias: str = "ward") -> list[str]:
    return [binding.uri for binding in site.registrations.contacts(alias)]


# ---- who ----------------------------------------------------------------------------------------------------------


def test_a_terminal_registers_refreshes_and_leaves() -> None:
    site = Site()
    ward = Terminal(site)
    reply = ward.register(CONTACT, expires=300)
    assert reply.status == 200
    assert header(reply, "Contact") == ["<sip:ward@10.0.0.7:5070>;expires=300"]
    site.now += 100
    assert header(ward.register(), "Contact") == ["<sip:ward@10.0.0.7:5070>;expires=200"]
    assert ward.register(CONTACT, expires=300).status == 200
    [binding] = site.registrations.contacts("ward")
    assert (binding.registered_at, binding.expires_at, binding.received) == (
        site.now - 100,
        site.now + 300,
        ("10.0.0.7", 5070),
    )
    assert ward.register(CONTACT, expires=0).status == 200
    assert contacts(site) == []
    assert site.events() == ["added", "refreshed", "removed"]


def test_challenges_are_offered_in_the_order_of_the_settings() -> None:
    for algorithms in ((SHA256, MD5), (MD5,), (MD5, SHA256)):
        reply = Terminal(Site(algorithms=algorithms), secret="wrong").send(Terminal(Site()).request())
        challenges = [parse_challenge(line) for line in header(reply, "WWW-Authenticate")]
        assert tuple(challenge.algorithm for challenge in challenges) == algorithms
        assert {(challenge.realm, challenge.qop) for challenge in challenges} == {("drumtower", ("auth",))}


def test_an_algorithm_that_is_not_offered_is_not_taken() -> None:
    site = Site(algorithms=(SHA256,))
    ward = Terminal(site)
    ward.send(ward.request())
    assert ward.challenge is not None
    challenge = parse_challenge(ward.challenge.headers.get("WWW-Authenticate"))
    ward.challenge.headers.set("WWW-Authenticate", challenge.serialize().replace(SHA256, MD5))
    request = ward.request(("Contact", CONTACT))
    assert ward.send(request, ward.authorize(ward.challenge, request)).status == 401
    assert contacts(site) == []


@pytest.mark.parametrize(("alias", "secret"), [("ward", "wrong"), ("nobody", "x"), ("ward", "")])
def test_wrong_secret_and_unknown_name_get_the_same_answer(alias: str, secret: str) -> None:
    site = Site()
    reply = Terminal(site, alias, secret=secret).register(CONTACT)
    assert (reply.status, reply.reason) == (401, "Unauthorized")
    assert [parse_challenge(line).is_stale for line in header(reply, "WWW-Authenticate")] == [False, False]
    assert [(failure.username, failure.outcome) for failure in site.failures] == [(alias, Outcome.WRONG)]
    assert site.registrations.all() == []


def test_a_terminal_registers_nobody_else() -> None:
    site = Site()
    ward = Terminal(site, "ward")
    ward.send(ward.request())
    ward.alias = "theatre"
    request = ward.request(("Contact", "<sip:evil@10.0.0.9>"))
    assert ward.challenge is not None
    assert ward.send(request, ward.authorize(ward.challenge, request)).status == 403
    assert site.registrations.all() == []
    assert len(site.failures) == 1


def test_a_captured_register_is_worth_nothing() -> None:
    site = Site()
    ward = Terminal(site)
    ward.register(CONTACT)
    assert ward.challenge is not None
    request = ward.request(("Contact", "<sip:ward@10.0.0.66>"))
    found = ward.authorize(ward.challenge, request)
    assert found is not None
    request.headers.add(*found)
    assert ward.send(request).status == 200
    site.events()
    for flow in (udp(port=6666), udp("10.0.0.66")):
        reply = Terminal(site, flow=flow).send(request)
        assert reply.status == 401
        assert parse_challenge(header(reply, "WWW-Authenticate")[0]).is_stale
    assert site.authenticator.counters["repeated"] == 1
    assert all(binding.flow.remote[0] == "10.0.0.7" for binding in site.registrations.all())
    assert site.events() == []


def test_a_register_whose_answer_was_lost_is_answered_again() -> None:
    site = Site()
    ward = Terminal(site)
    ward.send(ward.request())
    assert ward.challenge is not None
    request = ward.request(("Contact", CONTACT))
    found = ward.authorize(ward.challenge, request)
    first = ward.send(request, found)
    site.now += 1
    again = ward.send(request)
    assert (first.status, again.status) == (200, 200)
    assert header(again, "Contact") == [f"{CONTACT};expires=599"]
    assert site.events() == ["added"]
    ward.register(CONTACT)
    assert ward.send(request).status == 401


def test_a_stale_nonce_is_no_failure() -> None:
    site = Site()
    ward = Terminal(site)
    ward.register(CONTACT)
    site.now += 301
    assert ward.challenge is not None
    request = ward.request()
    reply = ward.send(request, ward.authorize(ward.challenge, request))
    assert parse_challenge(header(reply, "WWW-Authenticate")[0]).is_stale
    assert site.failures == []
    assert ward.register(CONTACT).status == 200


def test_answers_to_a_nonce_that_its_source_was_not_given_lock_nobody_out() -> None:
    """Whoever invents a source address never sees the challenges that go there."""
    site = Site()
    ward = Terminal(site)
    liar = Terminal(site, secret="wrong", flow=udp("10.0.0.66"))
    liar.send(liar.request())
    assert liar.challenge is not None
    liar.flow = ward.flow
    for _ in range(30):
        request = liar.request()
        credentials = liar.authorize(liar.challenge, request)
        assert credentials is not None
        request.headers.add(*credentials)
        reply = site.registrar.receive(request, liar.flow, site.now)
        assert (reply.status, reply.delay_s) == (401, 0.0)
        assert parse_challenge(header(reply, "WWW-Authenticate")[0]).is_stale
    assert site.failures == []
    assert ward.register(CONTACT).status == 200


def test_a_nonce_is_used_again_as_long_as_its_count_grows() -> None:
    site = Site()
    ward = Terminal(site)
    ward.register(CONTACT)
    assert ward.challenge is not None
    counts = []
    for _ in range(3):
        request = ward.request(("Contact", CONTACT))
        found = ward.authorize(ward.challenge, request)
        assert found is not None
        assert ward.send(request, found).status == 200
        counts.append(parse_answer(found[1]).count)
    assert counts == [2, 3, 4]


def test_guessing_is_slowed_down_and_then_refused() -> None:
    site = Site()
    guesses = [Terminal(site, secret=f"guess-{number}").register(CONTACT) for number in range(11)]
    assert [reply.delay_s for reply in guesses[:7]] == [0, 0, 0, 0, 0.5, 1.0, 2.0]
    assert guesses[10].status == 503
    assert header(guesses[10], "Retry-After") == ["30"]
    assert Terminal(site).register(CONTACT).status == 503  # nothing is looked at, so nothing is told
    assert Terminal(site, flow=udp("10.0.0.8")).register("<sip:ward@10.0.0.8>").status == 200
    site.now += 31
    assert Terminal(site).register(CONTACT).status == 200


def test_a_registered_terminal_is_not_locked_out_by_others_behind_its_address() -> None:
    site = Site()
    ward = Terminal(site)
    ward.register(CONTACT)
    for number in range(12):
        Terminal(site, "theatre", secret=f"guess-{number}").register(CONTACT)
    assert Terminal(site, "theatre").register(CONTACT).status == 503
    assert ward.register(CONTACT).status == 200


# ---- bindings ---------------------------------------------------------------------------------------------------


def test_several_contacts_are_ordered_by_q() -> None:
    site = Site()
    ward = Terminal(site)
    ward.register("<sip:a@10.0.0.7>;q=0.3", '"Ward" <sip:b@10.0.0.7>;q=0.7;expires=120', "<sip:c@10.0.0.7>;q=0.5")
    assert contacts(site) == ["sip:b@10.0.0.7", "sip:c@10.0.0.7", "sip:a@10.0.0.7"]
    reply = ward.register()
    assert header(reply, "Contact")[0] == "<sip:b@10.0.0.7>;expires=120;q=0.7"


@pytest.mark.parametrize(
    ("contact", "expires", "status", "kept_s"),
    [
        (CONTACT, None, 200, 600), (CONTACT, 86_400, 200, 3600), (f"{CONTACT};expires=120", 60, 200, 120),
        (CONTACT, 59, 423, 0), (f"{CONTACT};expires=1", None, 423, 0), (f"{CONTACT};expires=soon", None, 200, 3600),
        (f"{CONTACT};expires=99999999999", None, 200, 3600), ("<tel:123>", None, 400, 0),
        (f"{CONTACT};q=7", None, 200, 600), (f"<sip:{'a' * 600}@10.0.0.7>", None, 400, 0),
        (f'{CONTACT};+sip.instance="{"i" * 200}"', None, 400, 0), (f'{CONTACT};+sip.instance="\udcff"', None, 400, 0),
        ("<sip:ward@10.0.0.7;x=\udcff>", None, 400, 0), ("<sip:\udcff@10.0.0.7>", None, 200, 600),
    ],
)  # fmt: skip
def test_times_and_malformed_contacts(contact: str, expires: int | None, status: int, kept_s: float) -> None:
    site = Site()
    reply = Terminal(site).register(contact, expires=expires)
    assert reply.status == status
    assert [binding.expires_at - site.now for binding in site.registrations.contacts("ward")] == [kept_s][: kept_s > 0]
    if status == 423:
        assert header(reply, "Min-Expires") == ["60"]


def test_all_contacts_are_removed_by_a_star() -> None:
    site = Site()
    ward = Terminal(site)
    ward.register("<sip:a@10.0.0.7>", "<sip:b@10.0.0.7>")
    assert ward.register("*").status == 400
    assert ward.register("*", CONTACT, expires=0).status == 400
    assert len(contacts(site)) == 2
    reply = ward.register("*", expires=0)
    assert (reply.status, header(reply, "Contact")) == (200, [])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_whatever_a_terminal_writes_is_kept_whole_or_refused(contact: str, call_id: str, agent: str) -> None:
    site = Site()
    ward = Terminal(site)
    ward.call_id = call_id.replace("\r", "").replace("\n", "")
    fields = [text.replace("\r", "").replace("\n", "") for text in (f"<sip:{contact}>;q={contact}", agent, contact)]
    reply = ward.register(fields[0], headers=(("User-Agent", fields[1]), ("Expires", fields[2])))
    assert reply.status in (200, 400, 416, 423)
    for binding in site.registrations.all():
        assert Binding.parse(binding.data) == binding


def test_an_older_register_changes_nothing() -> None:
    site = Site()
    ward = Terminal(site)
    late = ward.request(("Contact", f"{CONTACT};expires=0"))
    ward.register(CONTACT)
    assert ward.challenge is not None
    assert ward.send(late, ward.authorize(ward.challenge, late)).status == 500
    assert contacts(site) == ["sip:ward@10.0.0.7:5070"]


def test_all_or_nothing() -> None:
    site = Site()
    assert Terminal(site).register(CONTACT, "<sip:b@10.0.0.7>;expires=5").status == 423
    assert contacts(site) == []


def test_bindings_expire_and_tell() -> None:
    site = Site()
    Terminal(site).register(CONTACT, "<sip:b@10.0.0.7>;expires=60")
    site.now += 60
    assert contacts(site) == ["sip:ward@10.0.0.7:5070"]
    site.registrations.expire()
    assert site.events() == ["added", "added", "expired"]
    assert len(site.registrations) == 1


def test_limits() -> None:
    site = Site("ward", "theatre", max_contacts_per_terminal=2, max_contacts_per_source=3)
    ward = Terminal(site)
    for user in "abc":
        site.now += 1
        assert ward.register(f"<sip:{user}@10.0.0.7>").status == 200
    assert contacts(site) == ["sip:c@10.0.0.7", "sip:b@10.0.0.7"]
    assert ward.register(*(f"<sip:{user}@10.0.0.7>" for user in "xyz")).status == 400
    theatre = Terminal(site, "theatre")
    assert theatre.register(CONTACT).status == 200
    assert theatre.register("<sip:x@10.0.0.7>").status == 503
    assert theatre.register(CONTACT).status == 200
    assert Terminal(site, "theatre", udp("10.0.0.9")).register("<sip:x@10.0.0.9>").status == 200
    site = Site(max_contacts=1)
    assert Terminal(site).register(CONTACT).status == 200
    assert Terminal(site, "theatre").register(CONTACT).status == 503
    assert len(site.registrations) == 1


def test_unknown_extensions_are_refused() -> None:
    site = Site()
    reply = Terminal(site).register(CONTACT, headers=(("Require", "path, gruu"),))
    assert (reply.status, header(reply, "Unsupported")) == (420, ["gruu"])


# ---- ways -------------------------------------------------------------------------------------------------------


def test_the_path_is_kept_and_echoed() -> None:
    site = Site()
    paths = (("Path", "<sip:10.0.0.2;lr>, <sip:10.0.0.3;lr>"), ("Supported", "path"))
    reply = Terminal(site).register(CONTACT, headers=paths)
    assert header(reply, "Path") == ["<sip:10.0.0.2;lr>, <sip:10.0.0.3;lr>"]
    assert site.registrations.contacts("ward")[0].path == ("<sip:10.0.0.2;lr>", "<sip:10.0.0.3;lr>")
    for bad in (("<sip:10.0.0.2;lr>",) * 9, (f"<sip:{'a' * 2000}@10.0.0.2>",), ("<sip:10.0.0.2;x=é>",)):
        assert Terminal(site).register(CONTACT, headers=tuple(("Path", path) for path in bad)).status == 400


OUTBOUND = (("Supported", "path, outbound"),)
MANAGED = f'{CONTACT};reg-id=1;+sip.instance="<urn:uuid:00000000-0000-0000-0000-000a95a0e128>"'


def test_outbound_replaces_the_flow_of_the_same_instance() -> None:
    site = Site()
    reply = Terminal(site, flow=tcp(1)).register(MANAGED, headers=OUTBOUND)
    assert (header(reply, "Require"), header(reply, "Flow-Timer")) == (["outbound"], ["120"])
    assert 'reg-id=1;+sip.instance="<urn:uuid:00000000' in header(reply, "Contact")[0]
    other = MANAGED.replace("5070", "6000")
    Terminal(site, flow=tcp(2)).register(other, headers=OUTBOUND)
    [binding] = site.registrations.contacts("ward")
    assert (binding.flow.connection, binding.uri) == (2, "sip:ward@10.0.0.7:6000")
    Terminal(site, flow=tcp(3)).register(other.replace("reg-id=1", "reg-id=2"), headers=OUTBOUND)
    assert [binding.reg_id for binding in site.registrations.contacts("ward")] == [1, 2]
    assert site.events() == ["added", "moved", "added"]
    site.registrations.flow_lost(2)
    assert [binding.reg_id for binding in site.registrations.contacts("ward")] == [2]
    assert site.events() == ["flow-lost"]


def test_outbound_behind_a_proxy_that_does_not_know_it() -> None:
    site = Site()
    vias = (*OUTBOUND, ("Via", "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK2"))
    assert Terminal(site).register(MANAGED, headers=vias).status == 439
    assert Terminal(site).register(MANAGED, headers=(*vias, ("Path", "<sip:10.0.0.2;lr;ob>"))).status == 200
    assert Terminal(site).register(MANAGED, MANAGED.replace("=1", "=2"), headers=OUTBOUND).status == 400


def test_without_outbound_a_reg_id_means_nothing() -> None:
    site = Site()
    reply = Terminal(site).register(MANAGED)
    assert (header(reply, "Require"), site.registrations.contacts("ward")[0].reg_id) == ([], 0)


def test_bindings_outlive_a_restart_but_their_connections_do_not() -> None:
    site = Site()
    Terminal(site, flow=tcp(7)).register(MANAGED, headers=OUTBOUND)
    [binding] = site.registrations.contacts("ward")
    again = Site()
    again.registrations.load([Binding.parse(binding.data)])
    [kept] = again.registrations.contacts("ward")
    assert (kept.key, kept.flow.remote, kept.flow.connection) == (binding.key, binding.flow.remote, 0)
    assert again.events() == []
    again = Site()
    again.now = binding.expires_at
    again.registrations.load([binding])
    assert len(again.registrations) == 0


def test_a_revoked_terminal_is_forgotten() -> None:
    site = Site()
    Terminal(site).register("<sip:a@10.0.0.7>", "<sip:b@10.0.0.7>")
    site.registrations.remove_all("ward")
    assert site.events() == ["added", "added", "revoked", "revoked"]
    assert site.registrations.all() == []
