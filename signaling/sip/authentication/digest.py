"""Digest authentication: challenges, answers and how they are computed (RFC 7616, RFC 8760, RFC 3261 22, RFC 2617).

Servers use Challenge, parse_answer() and Answer.is_right(), clients Credentials. Only qop=auth is spoken: auth-int
would cover bodies that every proxy may rewrite, and answers without qop are open to replay.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crypto.ha1 import ALGORITHMS, MD5, Ha1, digest
from crypto.secret import Secret
from signaling.errors import SipError
from signaling.sip.wire.message import Request, Response

if TYPE_CHECKING:
    from signaling.sip.client_request import Authorize

MAX_PARAMS = 32
MAX_COUNT = 0xFFFFFFFF
_KNOWN_NONCES = 64
# One name=value pair; a quoted string that is never closed does not match at all. RFC 3261 25.1, auth-param.
_PARAM = re.compile(r'\s*([A-Za-z0-9\-.!%*_+`\'~]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))\s*(?:,|$)', re.DOTALL)
# The same for what nearly all write, without escapes: all of it looked at first, then every pair in one go.
_PLAIN = re.compile(r'(?:\s*+[A-Za-z0-9\-]++\s*+=\s*+(?:"[^"\\]*+"|[^\s",;]++)\s*+(?:,|$))++')
_PLAIN_PARAM = re.compile(r'([A-Za-z0-9\-]++)\s*+=\s*+(?:"([^"]*+)"|([^\s",;]++))')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """WWW-Authenticate or Proxy-Authenticate of one algorithm (RFC 7616 3.3)."""

    realm: str
    nonce: str
    algorithm: str = MD5
    opaque: str = ""
    qop: tuple[str, ...] = ("auth",)
    is_stale: bool = False

    def serialize(self) -> str:
        """The value of the header."""
        parts = [f"realm={_quoted(self.realm)}", f"nonce={_quoted(self.nonce)}", f"algorithm={self.algorithm}"]
        if self.qop:
            parts.append(f"qop={_quoted(','.join(self.qop))}")
        if self.opaque:
            parts.append(f"opaque={_quoted(self.opaque)}")
        if self.is_stale:
            parts.append("stale=true")
        return "Digest " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Answer:
    """Authorization or Proxy-Authorization (RFC 7616 3.4)."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str = field(repr=False)
    algorithm: str = MD5
    cnonce: str = ""
    opaque: str = ""
    qop: str = ""
    count: int = 0
    """nc: how often the nonce was used, this time included."""

    def serialize(self) -> str:
        """The value of the header."""
        parts = [
            f"username={_quoted(self.username)}", f"realm={_quoted(self.realm)}", f"nonce={_quoted(self.nonce)}",
            f"uri={_quoted(self.uri)}", f"response={_quoted(self.response)}", f"algorithm={self.algorithm}",
        ]  # fmt: skip
        if self.qop:
            parts += [f"cnonce={_quoted(self.cnonce)}", f"qop={self.qop}", f"nc={self.count:08x}"]
        if self.opaque:
            parts.append(f"opaque={_quoted(self.opaque)}")
        return "Digest " + ", ".join(parts)

    def is_right(self, ha1: Ha1, method: str) -> bool:
        """Whether who wrote this knows the secret; takes the same time either way."""
        expected = compute(ha1.hash_of(self.algorithm), self, method)
        is_equal = hmac.compare_digest(expected.encode(), self.response.lower().encode("utf-8", "surrogateescape"))
        return is_equal and self.qop == "auth"


def parse_challenge(text: str) -> Challenge:
    """A challenge. Raises SipError; unknown algorithms are kept as they are named."""
    params = _params(text)
    if "realm" not in params or "nonce" not in params:
        raise SipError(400, "Malformed challenge")
    offered = tuple(option.strip().lower() for option in params.get("qop", "").split(",") if option.strip())
    return Challenge(
        params["realm"], params["nonce"], _algorithm(params), params.get("opaque", ""), offered,
        is_stale=params.get("stale", "").lower() == "true",
    )  # fmt: skip


def parse_answer(text: str) -> Answer:
    """An answer. Raises SipError."""
    params = _params(text)
    count = params.get("nc", "00000000")
    if not _COUNT.fullmatch(count) or not all(params.get(name) for name in ("username", "nonce", "uri", "response")):
        raise SipError(400, "Malformed credentials")
    return Answer(
        params["username"], params.get("realm", ""), params["nonce"], params["uri"], params["response"],
        _algorithm(params), params.get("cnonce", ""), params.get("opaque", ""), params.get("qop", "").lower(),
        int(count, 16),
    )  # fmt: skip


def compute(ha1: str, answer: Answer, method: str) -> str:
    """The response that fits everything else in `answer` (RFC 7616 3.4.1; without qop RFC 2069's form), hex."""
    ha2 = digest(answer.algorithm, f"{method}:{answer.uri}")
    if not answer.qop:
        return digest(answer.algorithm, f"{ha1}:{answer.nonce}:{ha2}")
    text = f"{ha1}:{answer.nonce}:{answer.count:08x}:{answer.cnonce}:{answer.qop}:{ha2}"
    return digest(answer.algorithm, text)


def realms_of(response: Response) -> set[str]:
    """The realms that a 401 or 407 asks for."""
    realms: set[str] = set()
    name = "Proxy-Authenticate" if response.status == 407 else "WWW-Authenticate"
    for line in response.headers.lines(name)[:MAX_PARAMS]:
        try:
            realms.add(parse_challenge(line).realm)
        except SipError:
            continue
    return realms


class Credentials:
    """Who we are to a registrar or proxy. A nonce is used again, counted, as long as the peer repeats it."""

    def __init__(self, username: str, password: Secret | Ha1) -> None:
        self._username = username
        self._password = password
        self._counts: OrderedDict[str, int] = OrderedDict()

    def authorize(self, realm: str | None = None) -> Authorize:
        """What answers challenges of `realm`, of any realm where None; never of another one.

        A new challenge after our answer means that the secret was wrong, unless it says stale: then we give up.
        """

        def answer(response: Response, request: Request) -> tuple[str, str] | None:
            asked, header = (
                ("Proxy-Authenticate", "Proxy-Authorization")
                if response.status == 407
                else ("WWW-Authenticate", "Authorization")
            )
            challenge = self._choose(response.headers.lines(asked), realm)
            if challenge is None or (_has_answered(request, header, challenge.realm) and not challenge.is_stale):
                return None
            return header, self._answer(challenge, request).serialize()

        return answer

    def _choose(self, lines: list[str], realm: str | None) -> Challenge | None:
        """The strongest challenge that we understand and may answer (RFC 8760 2.4)."""
        fitting: list[Challenge] = []
        for line in lines[:MAX_PARAMS]:
            try:
                challenge = parse_challenge(line)
            except SipError:
                continue
            is_ours = realm is None or challenge.realm == realm
            if is_ours and challenge.algorithm in ALGORITHMS and (not challenge.qop or "auth" in challenge.qop):
                fitting.append(challenge)
        if isinstance(self._password, Ha1):
            fitting = [challenge for challenge in fitting if challenge.realm == self._password.realm]
        return min(fitting, key=lambda challenge: ALGORITHMS.index(challenge.algorithm), default=None)

    def _answer(self, challenge: Challenge, request: Request) -> Answer:
        ha1 = self._password
        if not isinstance(ha1, Ha1):
            ha1 = Ha1.of(self._username, challenge.realm, ha1)
        hashed = ha1.hash_of(challenge.algorithm)
        count = self._next_count(challenge.nonce) if challenge.qop else 0
        # Unguessable without the secret, different for each use: no randomness is needed here.
        cnonce = hmac.digest(hashed.encode(), f"{challenge.nonce}:{count}".encode("utf-8", "surrogateescape"), "sha256")
        draft = Answer(
            self._username, challenge.realm, challenge.nonce, request.uri, "", challenge.algorithm,
            cnonce.hex()[:16] if challenge.qop else "", challenge.opaque, "auth" if challenge.qop else "", count,
        )  # fmt: skip
        return Answer(
            draft.username, draft.realm, draft.nonce, draft.uri, compute(hashed, draft, request.method),
            draft.algorithm, draft.cnonce, draft.opaque, draft.qop, draft.count,
        )  # fmt: skip

    def _next_count(self, nonce: str) -> int:
        count = self._counts.pop(nonce, 0) + 1
        self._counts[nonce] = count
        if len(self._counts) > _KNOWN_NONCES:
            self._counts.popitem(last=False)
        return count


def _has_answered(request: Request, header: str, realm: str) -> bool:
    for line in request.headers.lines(header):
        try:
            if parse_answer(line).realm == realm:
                return True
        except SipError:
            continue
    return False


def _params(text: str) -> dict[str, str]:
    """The parameters of a Digest header, names in lower case; the first of a repeated name would hide the others."""
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        raise SipError(400, "Not a digest")
    if _PLAIN.fullmatch(rest):
        pairs = _PLAIN_PARAM.findall(rest)
        plain = {name.lower(): quoted or bare for name, quoted, bare in pairs[: MAX_PARAMS + 1]}
        if len(plain) == len(pairs):
            return plain
    params: dict[str, str] = {}
    at, end = 0, len(rest)
    while at < end and len(params) <= MAX_PARAMS:
        found = _PARAM.match(rest, at)
        if found is None:
            break
        name, quoted, bare = found.groups()
        name = name.lower()
        if name in params:
            raise SipError(400, "Repeated parameter")
        params[name] = bare or _unquoted(quoted)
        at = found.end()
    if at < end and rest[at:].strip():
        raise SipError(400, "Malformed digest")
    return params


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _algorithm(params: dict[str, str]) -> str:
    name = params.get("algorithm", MD5)
    return name.upper() if name.upper() in ALGORITHMS else name


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
