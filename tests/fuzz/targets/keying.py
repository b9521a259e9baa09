"""DTLS with several addresses at a time: greetings, ends that come late, peers that change, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from mcu.media import DtlsPeer, SdesKeys
from mcu.net.keying import DtlsKeying
from tests.fuzz.target import Bytes, target

MAX_ASSOCIATIONS, MAX_TRIES = 4, 3
KEYS = SdesKeys("AES_CM_128_HMAC_SHA1_80", b"l", b"r")
PEERS = tuple(DtlsPeer("sha-256", name, is_client=is_client) for name in "AB" for is_client in (False, True))


class _Task:
    def cancel(self) -> None:
        pass


class Handshakes:
    """The ends of handshakes come when the input says, even after they were cancelled."""

    def __init__(self) -> None:
        self.open = 0
        self.begun: list[tuple[Callable[[SdesKeys], None], Callable[[str], None]]] = []
        self.is_busy = False

    def session(self, peer: DtlsPeer, send: Callable[[bytes], None]) -> Handshakes:
        del peer, send
        return self

    def receive(self, data: bytes) -> bool:
        return len(data) % 3 > 0

    def start(self, session: object, agreed: Callable[[SdesKeys], None], failed: Callable[[str], None]) -> _Task | None:
        del session
        if self.is_busy:
            return None
        self.open += 1
        self.begun.append((agreed, failed))
        return _Task()

    def end(self, session: object) -> None:
        del session
        self.open -= 1


@target("dtls-keying")
def dtls_keying(data: bytes) -> None:
    script, handshakes, told, failures = Bytes(data), Handshakes(), [], []
    keying = DtlsKeying(
        handshakes,  # type: ignore[arg-type]  # as much of it as keying asks for
        lambda *_: None, lambda keys, remote: told.append((keys, remote)), failures.append, Counter(),
    )  # fmt: skip
    if script.number() & 1:
        keying.max_tries, keying.max_associations = MAX_TRIES, MAX_ASSOCIATIONS
    peers = 0
    while not script.is_empty:
        choice = script.number()
        source = ("192.0.2.1", 1 + script.number() % 7)
        handshakes.is_busy = choice > 250
        match choice & 7:
            case 0:
                peers += 1
                keying.use(PEERS[choice >> 3 & 3])
            case 1:
                keying.start(source)
            case 2 if handshakes.begun:
                handshakes.begun.pop(choice % len(handshakes.begun))[0](KEYS)
            case 3 if handshakes.begun:
                handshakes.begun.pop(choice % len(handshakes.begun))[1](("dtls-failed", "dtls-timeout")[choice >> 7])
            case 4 if choice > 240:
                break  # the transport is closed
            case _:
                keying.receive(script.chunk(), source)
        # Signalling may name one address after the other: each may be tried, all together so many times.
        assert len(keying._associations) <= keying.max_associations - 1 + keying.max_tries
        assert handshakes.open == len(keying._associations), "none is forgotten without an end"
        assert len(keying._early) <= 8
        assert len(told) <= peers, "keys are agreed once with each peer"
    keying.end()
    assert handshakes.open == 0
