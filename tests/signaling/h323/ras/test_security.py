"""Passwords of terminals in RAS (H.235.1)."""

from __future__ import annotations

import pytest

from config.gate import GateSettings
from crypto.h235.password_key import PasswordKey
from signaling.h323 import h2351, per
from signaling.h323.h2351 import Fault, HashedToken
from signaling.h323.ras.admission import Account
from signaling.h323.ras.events import NotProven
from signaling.h323.ras.replays import ReplayMemory
from signaling.tries import SourceTries
from tests.signaling.h323.ras.terminal import T0, Book, Site, Terminal, hashed, ip

RIGHT = "correct-horse"


def site_of(**changes) -> tuple[Site, Terminal]:
    book = Book(or1=RIGHT, or2="another-one")
    site = Site(book, **{"authentication": "required", **changes})
    return site, Terminal(site, "or1", "192.0.2.10", password=RIGHT)


def reason(answer):
    return answer[1]["rejectReason"]


def faults(site):
    return [event.fault for event in site.events() if isinstance(event, NotProven)]


def is_signed_by(octets: bytes, password: str) -> bool:
    token = h2351.find(per.decode(per.Type.RAS, octets)[1].get("cryptoTokens"))
    return token is not None and hashed(octets, password, token.digest) == octets


def test_a_terminal_with_the_right_password():
    site, terminal = site_of()
    assert terminal.ask("gatekeeperRequest", **terminal.discovery())[0] == "gatekeeperConfirm"
    assert terminal.register()[0] == "registrationConfirm"
    terminal.senders_id = terminal.identifier  # H.235.1: from now on it may use the identifier that it got
    assert terminal.keep_alive()[0] == "registrationConfirm"
    assert terminal.admit("8000")[0] == "admissionConfirm"
    (found,) = site.gatekeeper.zone.registrations.all()
    assert (found.account, found.senders_id) == ("or1", "or1")
    assert faults(site) == []


def test_answers_are_signed_for_who_asked():
    site, terminal = site_of()
    octets = terminal.octets("registrationRequest", terminal.body(**terminal.registration()))
    (sent,) = site.gatekeeper.receive(octets, terminal.source, T0)
    assert is_signed_by(sent.octets, RIGHT)
    token = h2351.find(per.decode(per.Type.RAS, sent.octets)[1]["cryptoTokens"])
    assert (token.general_id, token.senders_id, token.timestamp_s) == ("or1", "drumtower", int(T0))


@pytest.mark.parametrize(
    ("change", "expected", "fault"),
    [
        ({"password": "wrong"}, "securityDenial", Fault.INTEGRITY),
        ({"password": ""}, "securityDenial", Fault.ABSENT),
        ({"senders_id": "nobody", "aliases": [("h323-ID", "nobody")]}, "securityDenial", Fault.INTEGRITY),
        ({"senders_id": "or2"}, "securityDenial", Fault.INTEGRITY),
        ({"general_id": "another"}, "securityWrongGeneralID", Fault.GENERAL_ID),
        ({"skew_s": -301}, "securityWrongSyncTime", Fault.TIME),
        ({"skew_s": 301}, "securityWrongSyncTime", Fault.TIME),
        ({"skew_s": 301, "password": "wrong"}, "securityDenial", Fault.INTEGRITY),
    ],
)
def test_what_a_bad_token_gets(change, expected, fault):
    site, terminal = site_of()
    for name, value in change.items():
        setattr(terminal, name, value)
    answer = terminal.register()
    name, detail = reason(answer)
    assert (detail[0] if name == "securityError" else name) == expected
    assert faults(site) == [fault]
    assert site.gatekeeper.gauges["registrations"] == 0
    assert "cryptoTokens" not in answer[1]


def test_old_terminals_hear_no_details():
    _, terminal = site_of()
    terminal.skew_s = 1000
    assert reason(terminal.register(protocolIdentifier=(0, 0, 8, 2250, 0, 4))) == ("securityDenial", 0)


@pytest.mark.parametrize("skew_s", [-300, 300])
def test_clocks_may_differ_a_little(skew_s):
    _, terminal = site_of()
    terminal.skew_s = skew_s
    assert terminal.register()[0] == "registrationConfirm"


@pytest.mark.parametrize("habit", [{"general_id": ""}, {"senders_id": ""}, {"general_id": "", "senders_id": ""}])
def test_terminals_that_leave_identifiers_out(habit):
    """AudioCodes and Innovaphone."""
    _, terminal = site_of()
    for name, value in habit.items():
        setattr(terminal, name, value)
    assert terminal.register()[0] == "registrationConfirm"
    assert terminal.admit("8000")[0] == "admissionConfirm"


def test_a_captured_message_is_worth_nothing():
    site, terminal = site_of()
    octets = terminal.octets("registrationRequest", terminal.body(**terminal.registration()))
    site.gatekeeper.receive(octets, terminal.source, T0)
    (sent,) = site.gatekeeper.receive(octets, ("192.0.2.66", 1719), T0 + 1)
    assert reason(per.decode(per.Type.RAS, sent.octets)) == ("securityError", ("securityReplay", 0))
    (late,) = site.gatekeeper.receive(octets, terminal.source, T0 + 100)
    assert reason(per.decode(per.Type.RAS, late.octets))[0] == "securityError"
    (over,) = site.gatekeeper.receive(octets, terminal.source, T0 + 1000)
    assert reason(per.decode(per.Type.RAS, over.octets))[1][0] == "securityWrongSyncTime"


def test_admissions_must_be_signed_by_the_account_that_registered():
    site, terminal = site_of()
    terminal.register()
    terminal.password = ""
    assert reason(terminal.admit("8000")) == ("securityDenial", 0)
    terminal.password, terminal.senders_id = "another-one", "or2"
    assert reason(terminal.admit("8000")) == ("securityDenial", 0)
    assert reason(terminal.keep_alive()) == ("securityDenial", 0)
    assert not site.owner.asked


def test_what_terminals_do_not_sign_is_taken_unless_all_must_be():
    for must_sign_all in (False, True):
        _, terminal = site_of(must_sign_all=must_sign_all)
        terminal.register()
        terminal.admit("8000")
        terminal.password = ""
        answer = terminal.ask("disengageRequest", disengageReason=("normalDrop", 0), **terminal.of_call())
        assert answer[0] == ("disengageReject" if must_sign_all else "disengageConfirm")


def test_names_of_accounts_are_not_for_others():
    for authentication, expected in (("known", "registrationReject"), ("off", "registrationConfirm")):
        _, terminal = site_of(authentication=authentication)
        terminal.aliases.append(("h323-ID", "or2"))
        assert terminal.register()[0] == expected


def test_terminals_without_password_where_that_is_allowed():
    site, _ = site_of(authentication="known")
    guest = Terminal(site, "guest", "192.0.2.30")
    assert guest.register()[0] == "registrationConfirm"
    guest.aliases = [("h323-ID", "or1")]
    assert guest.register()[0] == "registrationReject"


def test_the_same_account_elsewhere_takes_its_names_over():
    site, terminal = site_of()
    terminal.register()
    moved = Terminal(site, "or1", "192.0.2.11", password=RIGHT)
    moved.random = 1000
    assert moved.register()[0] == "registrationConfirm"
    assert moved.identifier != terminal.identifier
    assert reason(terminal.keep_alive())[0] == "fullRegistrationRequired"
    assert len(site.gatekeeper.zone.registrations) == 1


def test_several_aliases_of_one_account():
    book = Book(or1=RIGHT)
    book.accounts["7001"] = Account("or1", PasswordKey.of(RIGHT))
    site = Site(book, authentication="required")
    terminal = Terminal(site, "or1", "192.0.2.10", password=RIGHT)
    terminal.aliases.append(("dialledDigits", "7001"))
    assert terminal.register()[0] == "registrationConfirm"


def test_discovery_names_the_mechanism():
    _, terminal = site_of()
    terminal.password = ""
    u_of_version_1 = (0, 0, 8, 235, 0, 1, 6)
    offer = {"authenticationCapability": [("pwdHash", 0)], "algorithmOIDs": [(1, 2, 3), u_of_version_1]}
    body = terminal.ask("gatekeeperRequest", **terminal.discovery(**offer))[1]
    assert (body["authenticationMode"], body["algorithmOID"]) == (("pwdHash", 0), u_of_version_1)
    offer["algorithmOIDs"] = [(1, 2, 3)]
    assert "authenticationMode" not in terminal.ask("gatekeeperRequest", **terminal.discovery(**offer))[1]


def test_discovery_with_a_wrong_password():
    _, terminal = site_of()
    terminal.password = "wrong"
    assert reason(terminal.ask("gatekeeperRequest", **terminal.discovery())) == ("securityDenial", 0)


def test_our_own_requests_are_signed_and_wrong_answers_are_none():
    site, terminal = site_of()
    terminal.register()
    (sent,) = site.gatekeeper.requests.unregister(terminal.identifier, "maintenance", T0)
    assert is_signed_by(sent.octets, RIGHT)
    number = per.decode(per.Type.RAS, sent.octets)[1]["requestSeqNum"]
    terminal.password = "wrong"
    assert terminal.send(terminal.octets("unregistrationConfirm", {"requestSeqNum": number})) is None
    assert site.gatekeeper.gauges["waiting"] == 1
    terminal.password = RIGHT
    terminal.send(terminal.octets("unregistrationConfirm", {"requestSeqNum": number}))
    assert site.gatekeeper.gauges["waiting"] == 0


def token(timestamp_s: int, random: int) -> HashedToken:
    return HashedToken(timestamp_s, random, "", "", bytes(12))


def test_no_pair_of_time_and_random_twice():
    memory = ReplayMemory(300)
    assert memory.check("or1", token(1000, 1), 1000) is None
    assert memory.check("or1", token(1000, 2), 1000) is None
    assert memory.check("or1", token(1001, 1), 1000) is None
    assert memory.check("or2", token(1000, 1), 1000) is None
    assert memory.check("or1", token(1000, 1), 1000) is Fault.REPLAY
    assert memory.check("or1", token(1000, 1), 1301) is Fault.TIME


def test_a_memory_that_is_full_forgets_to_the_safe_side():
    memory = ReplayMemory(300, max_pairs=3, max_senders=2)
    for second in range(1000, 1004):
        assert memory.check("or1", token(second, 1), 1003) is None
    assert memory.check("or1", token(1000, 1), 1003) is Fault.REPLAY
    assert memory.check("or1", token(1000, 99), 1003) is Fault.REPLAY
    assert memory.check("or1", token(1002, 99), 1003) is None
    for sender in ("or2", "or3", "or4"):
        memory.check(sender, token(1000, 1), 1000)
    assert len(memory) == 2
    # Old times make room first, by themselves.
    memory = ReplayMemory(10, max_pairs=2)
    for second in (1000, 1001, 1020, 1021):
        assert memory.check("or1", token(second, 1), second) is None
    assert memory.check("or1", token(1019, 5), 1021) is None


def test_a_flood_in_one_second_is_refused_rather_than_forgotten():
    memory = ReplayMemory(300, max_pairs=4)
    found = [memory.check("or1", token(1000, random), 1000) for random in range(10)]
    assert found[:5] == [None] * 5
    assert set(found[5:]) == {Fault.REPLAY}


def test_addresses_in_a_signed_message_cannot_be_changed():
    site, terminal = site_of()
    octets = terminal.octets("registrationRequest", terminal.body(**terminal.registration()))
    forged = octets.replace(bytes([192, 0, 2, 10]), bytes([192, 0, 2, 66]))
    assert forged != octets
    terminal.source = ("192.0.2.66", 1719)
    assert reason(terminal.send(forged)) == ("securityDenial", 0)
    assert site.gatekeeper.gauges["registrations"] == 0


def named_theatre(site: Site, password: str = "") -> Terminal:
    """A terminal whose alias is no account, at one place; with a password it signs as or1."""
    terminal = Terminal(site, "or1", "192.0.2.10", password=password)
    terminal.aliases = [("h323-ID", "theatre")]
    return terminal


def test_who_registered_with_a_password_goes_on_with_it():
    site, _ = site_of(authentication="known")
    terminal = named_theatre(site, RIGHT)
    assert terminal.register()[0] == "registrationConfirm"
    terminal.password = ""
    assert reason(terminal.admit("8000")) == ("securityDenial", 0)


def test_another_account_at_the_same_place_is_another_terminal():
    site, terminal = site_of()
    terminal.register()
    other = Terminal(site, "or2", "192.0.2.10", password="another-one")
    assert other.register()[0] == "registrationConfirm"
    assert other.identifier != terminal.identifier
    assert len(site.gatekeeper.zone.registrations) == 2


def test_a_proven_terminal_keeps_its_names_whatever_the_policy():
    site, _ = site_of(authentication="known", duplicate_alias="replace")
    named_theatre(site, RIGHT).register()
    guest = named_theatre(site)
    guest.source, guest.signalling = ("192.0.2.77", 1719), ip("192.0.2.77", 1720)
    assert reason(guest.register())[0] == "duplicateAlias"


def test_a_terminal_that_was_given_a_password_replaces_itself():
    site, _ = site_of(authentication="known")
    assert named_theatre(site).register()[0] == "registrationConfirm"
    assert named_theatre(site, RIGHT).register()[0] == "registrationConfirm"
    (found,) = site.gatekeeper.zone.registrations.all()
    assert found.account == "or1"


def guesser(site: Site, host: str = "192.0.2.66", name: str = "or1") -> Terminal:
    """Somebody who names a terminal and does not know its password."""
    found = Terminal(site, name, host, password="guess")
    found.signalling = ip(host, 1720)
    return found


def test_who_guesses_passwords_is_not_listened_to_for_a_while():
    site, terminal = site_of(tries=SourceTries(GateSettings(source_refused_failures=5, source_pause_s=30)))
    bad = guesser(site)
    for _ in range(8):
        assert reason(bad.register()) == ("securityDenial", 0)
    assert site.gatekeeper.counters["not-proven-integrity"] == 5
    assert site.gatekeeper.counters["not-proven-paused"] == 3
    bad.password = RIGHT
    assert reason(bad.register()) == ("securityDenial", 0)
    # Others are not concerned, and a pause ends.
    assert terminal.register()[0] == "registrationConfirm"
    site.now += 60
    other = Terminal(site, "or2", "192.0.2.66", password="another-one")
    assert other.register()[0] == "registrationConfirm"


def test_guesses_lock_out_nobody_who_is_registered_behind_the_same_address():
    site, terminal = site_of(tries=SourceTries(GateSettings(source_free_failures=1, source_refused_failures=3)))
    terminal.register()
    for number in range(6):
        guesser(site, "192.0.2.10", f"nobody{number}").register()
    assert site.gatekeeper.counters["not-proven-paused"] == 3
    assert terminal.keep_alive()[0] == "registrationConfirm"
    assert terminal.register()[0] == "registrationConfirm"
    assert terminal.admit("8000")[0] == "admissionConfirm"
