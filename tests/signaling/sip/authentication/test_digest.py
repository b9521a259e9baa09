"""Digest authentication: the examples of RFC 7616, both sides against each other, hostile headers, nonces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.ha1 import MD5, SHA256, Ha1
from crypto.keys import generate
from crypto.secret import Secret
from signaling.errors import SipError
from signaling.sip.authentication.digest import Answer, Challenge, Credentials, compute, parse_answer, parse_challenge
from signaling.sip.authentication.nonces import Nonces, Use
from signaling.sip.wire.message import Headers, Request, Response

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
MUFASA = Ha1.of("Mufasa", "http-auth@example.org", Secret("Circle of Life"))
RESPONSES = {  # RFC 7616 3.9.1
    MD5: "8ca523f5e9506fed4657c9700eebdbec",
    SHA256: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


def rfc_answer(algorithm: str, **changes: object) -> Answer:
    values = {
        "username": "Mufasa", "realm": "http-auth@example.org", "nonce": NONCE, "uri": "/dir/index.html",
        "response": RESPONSES[algorithm], "algorithm": algorithm, "cnonce": CNONCE, "qop": "auth", "count": 1,
    }  # fmt: skip
    return Answer(**{**values, **changes})  # type: ignore[arg-type]  # a table of a test


@pytest.mark.parametrize("algorithm", [MD5, SHA256])
def test_examples_of_rfc_7616(algorithm: str) -> None:
    answer = rfc_answer(algorithm)
    assert compute(MUFASA.hash_of(algorithm), answer, "GET") == RESPONSES[algorithm]
    assert answer.is_right(MUFASA, "GET")
    assert rfc_answer(algorithm, response=RESPONSES[algorithm].upper()).is_right(MUFASA, "GET")
    for wrong in (
        {"count": 2},
        {"uri": "/"},
        {"nonce": "x"},
        {"cnonce": "x"},
        {"response": "é\udcff"},
        {"response": ""},
    ):
        assert not rfc_answer(algorithm, **wrong).is_right(MUFASA, "GET")
    assert not answer.is_right(MUFASA, "PUT")
    assert not answer.is_right(Ha1.of("Mufasa", "http-auth@example.org", "Circle of life"), "GET")


def test_answers_without_qop_are_computed_but_never_right() -> None:
    """RFC 2617 3.5's older form opens the door to replay."""
    draft = rfc_answer(MD5, qop="", count=0)
    answer = rfc_answer(MD5, qop="", count=0, response=compute(MUFASA.md5, draft, "GET"))
    assert not answer.is_right(MUFASA, "GET")
    draft = rfc_answer(MD5, qop="auth-int")
    assert not rfc_answer(MD5, qop="auth-int", response=compute(MUFASA.md5, draft, "GET")).is_right(MUFASA, "GET")


def test_nothing_secret_is_shown_and_the_seal_is_for_one_name() -> None:
    master = generate()
    sealed = MUFASA.seal(master, "ward-3")
    assert Ha1.unseal(master, "ward-3", sealed) == MUFASA
    assert MUFASA.md5.encode() not in sealed
    with pytest.raises(Exception, match="something else"):
        Ha1.unseal(master, "ward-4", sealed)
    assert MUFASA.md5 not in repr(MUFASA)
    assert RESPONSES[MD5] not in repr(rfc_answer(MD5))


texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)


@settings(max_examples=100, deadline=None)
@given(texts, texts, st.booleans(), st.sampled_from([MD5, SHA256, "SHA-512-256"]))
def test_challenges_round_trip(realm: str, nonce: str, is_stale: bool, algorithm: str) -> None:
    challenge = Challenge(realm, nonce, algorithm, opaque='a"\\,b', is_stale=is_stale)
    assert parse_challenge(challenge.serialize()) == challenge


@settings(max_examples=100, deadline=None)
@given(texts.filter(bool), texts, st.integers(0, 0xFFFFFFFF), st.sampled_from([MD5, SHA256]))
def test_answers_round_trip(name: str, realm: str, count: int, algorithm: str) -> None:
    answer = rfc_answer(algorithm, username=name, realm=realm, count=count, opaque="o")
    assert parse_answer(answer.serialize()) == answer


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_whatever_comes_is_parsed_or_refused(text: str) -> None:
    for line in (text, f"Digest {text}", f'Digest realm="{text}"'):
        for parse in (parse_answer, parse_challenge):
            try:
                parse(line)
            except SipError as error:
                assert error.status == 400


def test_cut_anywhere_is_refused_or_different() -> None:
    whole = rfc_answer(SHA256).serialize()
    for length in range(len(whole)):
        try:
            found = parse_answer(whole[:length])
        except SipError:
            continue
        assert not found.is_right(MUFASA, "GET")


@pytest.mark.parametrize(
    "text",
    [
        "Basic QWxhZGRpbg==", 'Digest username="a", username="b", nonce="n", uri="u", response="r"',
        'Digest username="a", nonce="n", uri="u", response="r", nc=1', 'Digest username="a', "Digest", "",
        "Digest " + ", ".join(f"p{number}=1" for number in range(40)),
        'Digest username="a" nonce="n", uri="u", response="r"',
    ],
)  # fmt: skip
def test_malformed_answers(text: str) -> None:
    with pytest.raises(SipError):
        parse_answer(text)


def test_a_long_hostile_header_takes_no_time() -> None:
    for text in (
        'Digest a="' + "\\" * 60_000,
        "Digest " + 'a="",' * 10_000,
        "Digest " + " " * 60_000,
        "Digest a=" * 9000,
    ):
        with pytest.raises(SipError):
            parse_answer(text)


# ---- client -----------------------------------------------------------------------------------------------------


def challenged(*challenges: Challenge, status: int = 401) -> Response:
    header = "Proxy-Authenticate" if status == 407 else "WWW-Authenticate"
    return Response(status, "", Headers([(header, challenge.serialize()) for challenge in challenges]))


def request() -> Request:
    return Request("REGISTER", "sip:hospital.example")


def answered(found: tuple[str, str] | None) -> Answer:
    assert found is not None
    return parse_answer(found[1])


def test_the_client_prefers_sha_256_and_falls_back_to_md5() -> None:
    authorize = Credentials("ward", Secret("s3cret")).authorize()
    ha1 = Ha1.of("ward", "r", "s3cret")
    both = (Challenge("r", "n1", MD5), Challenge("r", "n2", SHA256), Challenge("r", "n3", "SHA-512-256"))
    for challenges, algorithm in ((both, SHA256), (both[:1], MD5)):
        answer = answered(authorize(challenged(*challenges), request()))
        assert answer.algorithm == algorithm
        assert answer.is_right(ha1, "REGISTER")
    assert authorize(challenged(both[2]), request()) is None
    assert authorize(challenged(Challenge("r", "n", MD5, qop=("auth-int",))), request()) is None


def test_the_client_counts_each_nonce() -> None:
    authorize = Credentials("ward", Ha1.of("ward", "r", "s3cret")).authorize("r")
    answers = [answered(authorize(challenged(Challenge("r", nonce)), request())) for nonce in ("a", "a", "b", "a")]
    assert [answer.count for answer in answers] == [1, 2, 1, 3]
    assert len({answer.cnonce for answer in answers}) == 4


def test_the_client_never_answers_a_foreign_realm() -> None:
    authorize = Credentials("ward", Secret("s3cret")).authorize("trunk.example")
    assert authorize(challenged(Challenge("evil.example", "n")), request()) is None
    found = authorize(
        challenged(Challenge("evil.example", "n"), Challenge("trunk.example", "n"), status=407), request()
    )
    assert found is not None
    assert found[0] == "Proxy-Authorization"
    assert answered(found).realm == "trunk.example"
    assert Credentials("w", Ha1.of("w", "a", "s")).authorize()(challenged(Challenge("b", "n")), request()) is None


def test_the_client_gives_up_where_the_secret_was_wrong_but_not_where_the_nonce_was_stale() -> None:
    authorize = Credentials("ward", Secret("s3cret")).authorize()
    again = request()
    found = authorize(challenged(Challenge("r", "n1")), again)
    assert found is not None
    again.headers.add(*found)
    assert authorize(challenged(Challenge("r", "n2")), again) is None
    assert authorize(challenged(Challenge("r", "n2", is_stale=True)), again) is not None


def test_old_servers_without_qop_are_answered() -> None:
    authorize = Credentials("ward", Secret("s3cret")).authorize()
    answer = answered(authorize(challenged(Challenge("r", "n", MD5, qop=())), request()))
    assert (answer.qop, answer.cnonce, answer.count) == ("", "", 0)
    assert answer.response == compute(Ha1.of("ward", "r", "s3cret").md5, answer, "REGISTER")


# ---- nonces -----------------------------------------------------------------------------------------------------


def nonces(max_used: int = 100, started_at: float = 1000.0) -> Nonces:
    return Nonces(b"k" * 32, started_at, lifetime_s=60.0, max_used=max_used)


def use(made: Nonces, nonce: str, count: int, realm: str, source: str, now: float) -> Use:
    issued = made.open(nonce, realm, source)
    return Use.STALE if issued is None else made.use(issued, count, now)


def test_a_count_is_good_once() -> None:
    made = nonces()
    nonce = made.make("r", "10.0.0.1", 1000.0)
    uses = [use(made, nonce, count, "r", "10.0.0.1", 1001.0) for count in (1, 1, 3, 2, 2, 3, 70, 6, 7, 7, 200, 137)]
    fresh, again = Use.FRESH, Use.REPEATED
    assert uses == [fresh, again, fresh, fresh, again, again, fresh, again, fresh, again, fresh, fresh]
    assert use(made, nonce, 136, "r", "10.0.0.1", 1001.0) is again


def test_nonces_are_bound_to_time_realm_source_key_and_start() -> None:
    made = nonces()
    nonce = made.make("r", "10.0.0.1", 1000.0)
    assert use(made, nonce, 1, "r", "10.0.0.1", 1060.0) is Use.STALE
    assert use(made, nonce, 1, "other", "10.0.0.1", 1001.0) is Use.STALE
    assert use(made, nonce, 1, "r", "10.0.0.2", 1001.0) is Use.STALE
    assert use(made, nonce, 0, "r", "10.0.0.1", 1001.0) is Use.STALE
    assert use(nonces(started_at=1030.0), nonce, 1, "r", "10.0.0.1", 1031.0) is Use.STALE
    assert use(made, made.make("r", "10.0.0.1", 2000.0), 1, "r", "10.0.0.1", 1001.0) is Use.STALE
    for bad in ("", "é", "x" * 100, nonce[:-4], nonce[:4] + "AAAA" + nonce[8:], nonce[:8]):
        assert use(made, bad, 1, "r", "10.0.0.1", 1001.0) is Use.STALE
    assert use(made, nonce, 1, "r", "10.0.0.1", 1001.0) is Use.FRESH


def test_what_is_forgotten_is_stale_and_never_fresh_again() -> None:
    made = nonces(max_used=2)
    issued = [made.make("r", "s", 1000.0 + number) for number in range(4)]
    assert [use(made, nonce, 1, "r", "s", 1010.0) for nonce in issued[:3]] == [Use.FRESH] * 3
    assert len(made) == 2
    assert use(made, issued[0], 1, "r", "s", 1010.0) is Use.STALE
    assert use(made, issued[1], 1, "r", "s", 1010.0) is Use.REPEATED
    assert use(made, issued[3], 1, "r", "s", 1010.0) is Use.FRESH


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 150), max_size=60))
def test_no_count_is_ever_fresh_twice(counts: list[int]) -> None:
    made = nonces()
    nonce = made.make("r", "s", 1000.0)
    fresh = [count for count in counts if use(made, nonce, count, "r", "s", 1000.0) is Use.FRESH]
    assert len(fresh) == len(set(fresh))


def test_nonces_made_at_once_differ() -> None:
    made = nonces()
    assert len({made.make("r", "s", 1000.0) for _ in range(100)}) == 100
