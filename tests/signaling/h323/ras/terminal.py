"""A terminal for tests: makes requests in pycrate's values, signs them, and reads what comes back."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec

from config.h323 import H323Settings, SiteSettings
from config.media import LocalAddress
from crypto.h235.password_key import PasswordKey
from signaling.h323 import h2351, per
from signaling.h323.ras.admission import Account, Admit, Question, Refusal
from signaling.h323.ras.gatekeeper import Gatekeeper

T0 = 1_780_000_000.0
PROTOCOL = (0, 0, 8, 2250, 0, 5)
OURS = "192.0.2.1"
NO_DIGEST = bytes(12)


class Book:
    """Accounts by alias."""

    def __init__(self, **passwords: str) -> None:
        self.accounts = {name: Account(name, PasswordKey.of(password)) for name, password in passwords.items()}

    def account_of(self, alias: str) -> Account | None:
        return self.accounts.get(alias)


class Owner:
    """Says what it was told to say, and remembers what it was asked."""

    def __init__(self) -> None:
        self.verdict: Admit | Refusal | None = Admit()
        self.rooms: set[str] = set()
        self.asked: list[Question] = []

    def admit(self, question: Question) -> Admit | Refusal | None:
        self.asked.append(question)
        return self.verdict

    def locate(self, called: Any) -> bool:
        return any(alias.text in self.rooms for alias in called)


class Site:
    """A gatekeeper whose random numbers are known, and its owner."""

    def __init__(self, book: Book | None = None, **changes: Any) -> None:
        changes = {"authentication": "off", **changes}
        store, tries = changes.pop("store", None), changes.pop("tries", None)
        sites = tuple(SiteSettings(**site) for site in changes.pop("sites", ()))
        self.settings = msgspec.structs.replace(H323Settings(listen=(LocalAddress(OURS),), sites=sites), **changes)
        self.owner = Owner()
        self.count = 0
        self.gatekeeper = Gatekeeper(self.settings, book or Book(), self.owner, self.random_bytes, store, tries)
        self.now = T0

    def random_bytes(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")

    def events(self) -> list[Any]:
        found = []
        while (event := self.gatekeeper.next_event()) is not None:
            found.append(event)
        return found


class Terminal:
    """One terminal at one address, talking to one gatekeeper."""

    def __init__(self, site: Site, name: str, host: str, *, password: str = "") -> None:
        self.site = site
        self.name = name
        self.source = (host, 1719)
        self.password = password
        self.aliases: list[Any] = [("h323-ID", name)]
        self.signalling = ip(host, 1720)
        self.number = 0
        self.random = 0
        self.identifier = ""
        self.senders_id = name
        self.general_id = "drumtower"
        self.skew_s = 0

    def body(self, **fields: Any) -> dict[str, Any]:
        self.number += 1
        return {"requestSeqNum": self.number, **fields}

    def octets(self, name: str, body: dict[str, Any]) -> bytes:
        if not self.password:
            return per.encode(per.Type.RAS, (name, body))
        self.random += 1
        now_s = int(self.site.now) + self.skew_s
        token = h2351.token(now_s, self.random, self.general_id, self.senders_id, b"\xa5\x5a" * 6)
        octets = per.encode(per.Type.RAS, (name, {**body, "cryptoTokens": [token]}))
        return hashed(octets, self.password, b"\xa5\x5a" * 6)

    def send(self, octets: bytes, **how: Any) -> Any:
        """What the answer says: name and body, None for silence."""
        sent = self.site.gatekeeper.receive(octets, self.source, self.site.now, **how)
        answers = [per.decode(per.Type.RAS, datagram.octets) for datagram in sent]
        assert len(answers) <= 1
        return answers[0] if answers else None

    def ask(self, name: str, **fields: Any) -> Any:
        return self.send(self.octets(name, self.body(**fields)))

    def discovery(self, **fields: Any) -> dict[str, Any]:
        return {
            "protocolIdentifier": PROTOCOL,
            "rasAddress": ip(*self.source),
            "endpointType": {"terminal": {}, "mc": False, "undefinedNode": False},
            "endpointAlias": self.aliases,
            **fields,
        }

    def registration(self, **fields: Any) -> dict[str, Any]:
        return {
            "protocolIdentifier": PROTOCOL,
            "discoveryComplete": True,
            "callSignalAddress": [self.signalling],
            "rasAddress": [ip(*self.source)],
            "terminalType": {"terminal": {}, "mc": False, "undefinedNode": False},
            "terminalAlias": self.aliases,
            "endpointVendor": {
                "vendor": {"t35CountryCode": 82, "t35Extension": 0, "manufacturerCode": 1},
                "productId": b"Codec\x00",
                "versionId": b"1.0",
            },
            "keepAlive": False,
            "willSupplyUUIEs": False,
            "maintainConnection": False,
            **fields,
        }

    def register(self, **fields: Any) -> Any:
        answer = self.ask("registrationRequest", **self.registration(**fields))
        self.identifier = answer[1].get("endpointIdentifier", self.identifier)
        return answer

    def keep_alive(self, **fields: Any) -> Any:
        short = self.registration(keepAlive=True, endpointIdentifier=self.identifier, **fields)
        del short["terminalAlias"]
        return self.ask("registrationRequest", **short)

    def admission(self, call: int = 1, **fields: Any) -> dict[str, Any]:
        return {
            "callType": ("pointToPoint", 0),
            "endpointIdentifier": self.identifier or "none",
            "srcInfo": self.aliases,
            "bandWidth": 1280,
            "callReferenceValue": call,
            "conferenceID": bytes([call]) * 16,
            "activeMC": False,
            "answerCall": False,
            "canMapAlias": True,
            "callIdentifier": {"guid": bytes([call]) * 16},
            "willSupplyUUIEs": False,
            **fields,
        }

    def admit(self, called: str = "", call: int = 1, **fields: Any) -> Any:
        if called:
            fields.setdefault("destinationInfo", [("dialledDigits", called)])
        return self.ask("admissionRequest", **self.admission(call, **fields))

    def of_call(self, call: int = 1, **fields: Any) -> dict[str, Any]:
        return {
            "endpointIdentifier": self.identifier or "none",
            "conferenceID": bytes([call]) * 16,
            "callReferenceValue": call,
            "callIdentifier": {"guid": bytes([call]) * 16},
            "answeredCall": False,
            **fields,
        }


def ip(host: str, port: int) -> Any:
    return ("ipAddress", {"ip": bytes(map(int, host.split("."))), "port": port})


def hashed(octets: bytes, password: str, marker: bytes) -> bytes:
    """The message with its hash where the marker is: the steps of H.235.1, from the standard library alone."""
    place = octets.index(marker)
    zeroed = octets[:place] + NO_DIGEST + octets[place + 12 :]
    digest = hmac.new(hashlib.sha1(password.encode()).digest(), zeroed, hashlib.sha1).digest()[:12]
    return octets[:place] + digest + octets[place + 12 :]
