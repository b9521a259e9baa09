"""The decision, one row a rule; and that nothing but an answer in time opens the gate."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth8021x.directory.session import Entry, Session
from auth8021x.errors import DirectoryUnavailableError
from auth8021x.gate.decision import Decision, Unanswered
from auth8021x.gate.gate import SessionGate
from auth8021x.gate.rules import may_call_as
from auth8021x.gate.verdict import Proof, Question, Reason, Verdict
from auth8021x.sites import Site, Sites
from config.dot1x_sites import DeviceSettings, Dot1xGateSettings, SiteSettings
from tests.auth8021x.directory.reports import SITES, VT1, VT2

NORTH, SOUTH = "192.0.2.1", "192.0.2.2"
SETTINGS = Dot1xGateSettings(exempt=("198.51.100.0/24",))


def session(identity: str = "vt1", mac: bytes = VT1, entry: Entry | None = Entry.EAP, role: str = "") -> Session:
    return Session("north", mac, "sw", "s1", identity, "p1", 0, 0, None, entry, role)


def asked(source: str = "10.1.2.3", *aliases: str, protocol: str = "sip", **more: str | Proof) -> Question:
    return Question(source, protocol, aliases, **({"local": NORTH, "room": "1001"} | more))  # type: ignore[arg-type]


def decided(
    question: Question, found: Session | Unanswered | None = None, settings: Dot1xGateSettings = SETTINGS
) -> Verdict:
    decision = Decision(settings, Sites(SITES))
    early = decision.early(question)
    return early if isinstance(early, Verdict) else decision.late(question, early, found)


@pytest.mark.parametrize(
    ("question", "found", "is_allowed", "reason"),
    [
        (asked("10.1.2.3", "vt1"), session(), True, Reason.SESSION),
        (asked("10.1.2.3", "VT1"), session(), True, Reason.SESSION),
        (asked(), session(), True, Reason.SESSION),  # a caller that claims to be nobody
        (asked("10.1.2.3", "vt1"), session("vt1@ward.example"), True, Reason.SESSION),
        (asked("10.1.2.3", "vt1"), session("vt1@other.example"), False, Reason.OTHER_IDENTITY),
        (asked("10.1.2.3", "vt2"), session(), False, Reason.OTHER_IDENTITY),
        (asked("10.1.2.3", "vt1", "vt2"), session(), False, Reason.OTHER_IDENTITY),
        (asked("10.1.2.3", "vt2"), session(role="gateway"), True, Reason.SESSION),
        (asked("10.1.2.3", "cart-7", "7007"), session("host/cart7"), True, Reason.SESSION),
        (asked("10.1.2.3", "vt2", protocol="webrtc"), session(), True, Reason.SESSION),
        (asked("10.1.2.3", "vt2", protocol="h323"), session(), False, Reason.OTHER_IDENTITY),
        (asked("10.1.2.3", "vt1"), None, False, Reason.NO_SESSION),
        (asked("10.1.2.3", "vt1", proof=Proof.DIGEST), None, False, Reason.NO_SESSION),
        (asked("10.1.2.3", "vt1"), session(entry=Entry.GUEST), False, Reason.GUEST),
        (asked("10.1.2.3", "vt1"), Unanswered.YES, False, Reason.NO_ANSWER),
        (asked("::ffff:10.1.2.3", "vt1"), session(), True, Reason.SESSION),
        (asked("10.9.1.1", "vt1"), session(), False, Reason.UNPROVEN),
        (asked("10.9.1.1", "vt1", proof=Proof.DIGEST), None, True, Reason.EXEMPT),
        (asked("10.9.1.1", "vt1", proof=Proof.H235), None, True, Reason.EXEMPT),
        (asked("198.51.100.7"), None, True, Reason.OFF),  # in no site
        # the same range, at another address of ours: a site that only watches
        (asked("10.1.2.3", "vt1", local=SOUTH), None, True, Reason.NO_SESSION),
        (asked("10.1.2.3", "vt2", local=SOUTH), session(), True, Reason.OTHER_IDENTITY),
        (asked("10.1.2.3", "vt1", local=SOUTH), Unanswered.YES, True, Reason.NO_ANSWER),
        (asked("10.20.1.1", "vt1"), None, True, Reason.OFF),  # a narrower site inside
        (asked("10.1.2.3", "vt1", local="192.0.2.3"), None, True, Reason.OFF),
        (asked("nowhere", "vt1"), None, True, Reason.OFF),
    ],
)
def test_rules(question: Question, found: Session | Unanswered | None, is_allowed: bool, reason: Reason):
    verdict = decided(question, found)
    assert (verdict.is_allowed, verdict.reason) == (is_allowed, reason)
    good = (Reason.SESSION, Reason.EXEMPT, Reason.OFF)
    assert verdict.is_overlooked == (is_allowed and reason not in good)


@pytest.mark.parametrize(
    ("question", "is_allowed", "reason"),
    [
        (asked("203.0.113.9", proof=Proof.DIGEST), False, Reason.NO_SESSION),
        (asked("198.51.100.7", proof=Proof.DIGEST), True, Reason.EXEMPT),
        (asked("198.51.100.7"), False, Reason.UNPROVEN),
        (asked("nowhere"), False, Reason.NO_SESSION),
        (asked("203.0.113.9", protocol="webrtc"), True, Reason.NOT_ASKED),
    ],
)
def test_elsewhere_may_be_closed_too(question: Question, is_allowed: bool, reason: Reason):
    settings = Dot1xGateSettings(elsewhere="enforce", exempt=("198.51.100.0/24",), protocols=("sip", "h323"))
    verdict = decided(question, settings=settings)
    assert (verdict.is_allowed, verdict.reason) == (is_allowed, reason)


@pytest.mark.parametrize(
    ("identities", "typed", "is_allowed"),
    [
        (("sip", "h323"), "theatre-1", True),
        (("sip", "h323", "webrtc"), "theatre-1", False),
        (("sip", "h323", "webrtc"), "VT1", True),
        (("sip", "h323", "webrtc"), "", True),
    ],
)
def test_a_typed_name_is_compared_only_where_that_is_wanted(identities: tuple[str, ...], typed: str, is_allowed: bool):
    settings = Dot1xGateSettings(identities=identities)  # type: ignore[arg-type]
    verdict = decided(asked(protocol="webrtc", typed_name=typed), session(), settings)
    assert (verdict.is_allowed, verdict.reason) == (is_allowed, Reason.SESSION if is_allowed else Reason.OTHER_IDENTITY)


def site(**settings: object) -> Site:
    found = Sites([SiteSettings("a", ("10.0.0.0/8",), **settings)]).get("a")  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("identity", "alias", "is_right"),
    [("", "", False), ("vt1", "", False), ("@ward.example", "", False), ("a@b@ward.example", "a@b", True)],
)
def test_odd_names(identity: str, alias: str, is_right: bool):
    assert may_call_as(site(realms=("Ward.Example",)), session(identity), [alias]) is is_right


def test_aliases_of_devices():
    found = site(
        devices=(
            DeviceSettings(mac="02:00:5e:00:53:01", aliases=("1",)),
            DeviceSettings(mac="02:00:5e:00:53:01", identity="vt1", aliases=("2",)),
            DeviceSettings(mac="02:00:5e:00:53:01", identity="vt9", aliases=("3",)),
            DeviceSettings(identity="VT1", aliases=("4",)),
            DeviceSettings(mac="02:00:5e:00:53:02", identity="vt1", aliases=("5",)),
        )
    )
    assert [may_call_as(found, session(), [alias]) for alias in "12345"] == [True, True, False, True, False]


def test_no_role_is_not_the_role_of_a_gateway():
    assert not may_call_as(site(any_alias_roles=("gateway",)), session("vt1", VT2), ["vt2"])


@given(st.text(max_size=8), st.text(max_size=8))
def test_only_its_own_name_by_default(identity: str, alias: str):
    is_same = bool(identity) and identity.casefold() == alias.casefold()
    assert may_call_as(site(), session(identity), [alias]) is is_same


class Book:
    """A directory that answers late, or not at all."""

    def __init__(self, delay_s: float = 0.0, error: Exception | None = None) -> None:
        self._delay_s = delay_s
        self._error = error

    def known(self, site: str, address: str) -> Session | None:
        if self._error is not None:
            raise self._error
        return session() if (site, address) == ("north", "10.1.2.3") else None

    async def find(self, site: str, address: str) -> Session | None:
        await asyncio.sleep(self._delay_s)
        return self.known(site, address)


class Notes:
    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []

    def answered(self, question: Question, verdict: Verdict) -> None:
        self.verdicts.append(verdict)


def gate(book: Book, notes: Notes) -> SessionGate:
    return SessionGate(Decision(SETTINGS, Sites(SITES)), book, notes, SETTINGS.answer_s)


@pytest.mark.parametrize(
    ("book", "local", "kind"),
    [
        (Book(), NORTH, "allowed-session"),
        (Book(3600), NORTH, "refused-no-answer"),
        (Book(error=DirectoryUnavailableError("no")), NORTH, "refused-no-answer"),
        (Book(3600), SOUTH, "overlooked-no-answer"),
    ],
)
async def test_no_answer_in_time_is_a_refusal(book: Book, local: str, kind: str):
    notes = Notes()
    asking = gate(book, notes)
    began = asyncio.get_running_loop().time()
    verdict = await asking.decide(asked("10.1.2.3", "vt1", local=local))
    assert asyncio.get_running_loop().time() - began < 1
    assert notes.verdicts == [verdict]
    assert dict(asking.counters) == {kind: 1}


@pytest.mark.parametrize(
    ("book", "source", "reason"),
    [
        (Book(), "10.1.2.3", Reason.SESSION),
        (Book(), "10.1.2.4", Reason.NO_SESSION),
        (Book(), "10.20.1.1", Reason.OFF),
        (Book(error=DirectoryUnavailableError("no")), "10.1.2.3", Reason.NO_ANSWER),
    ],
)
def test_at_once(book: Book, source: str, reason: Reason):
    assert gate(book, Notes()).decide_now(asked(source, "vt1")).reason is reason
