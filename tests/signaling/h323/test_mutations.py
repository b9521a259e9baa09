"""5,000 damaged messages a decoder: a value or the one error, in little time and memory; the next whole one is read."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from crypto.h235.algorithm import Algorithm
from crypto.h235.diffie_hellman import DH_1024
from crypto.h235.media_cipher import BLOCK, CiphertextError, PayloadDecryptor, PayloadEncryptor
from crypto.h235.password_key import PasswordKey
from mcu.media import H235Keys
from mcu.rtp import packet as rtp
from mcu.rtp.h235_pair import H235Pair
from signaling.h323 import h2351, per, tpkt, traversal
from signaling.h323.call import message, setup
from signaling.h323.errors import MalformedPduError
from signaling.h323.media_security import MediaSecurity
from signaling.h323.media_traversal import MediaTraversal
from signaling.h323.q931 import MessageType
from signaling.h323.transport import call_backs
from tests.signaling.h323.call.peer import CHANNEL
from tests.signaling.h323.call.wire import Wire, accepting
from tests.signaling.h323.ras.terminal import T0
from tests.signaling.h323.ras.test_robustness import PASSWORD, messages, serving
from tests.signaling.h323.test_h245_dissection import whole_call

pytestmark = pytest.mark.exhaustive

STEPS = 5_000
MOST_S = 0.25
"""CPU of the slowest; about a millisecond is usual."""
MOST_GROWTH_KIB = 65_536
_TELLING = (0x00, 0x01, 0x7F, 0x80, 0x81, 0xBF, 0xC0, 0xC4, 0xFF)
"""Edges of the lengths of PER and Q.931."""
KEY = bytes(range(16))


def damaged(dice: random.Random, whole: Sequence[bytes]) -> bytes:
    """One of the messages, spoiled."""
    octets = bytearray(dice.choice(whole))
    place = dice.randrange(len(octets))
    match dice.randrange(7):
        case 0:
            octets[place] ^= 1 << dice.randrange(8)
        case 1:
            for _ in range(dice.randint(1, 8)):
                octets[dice.randrange(len(octets))] = dice.randrange(256)
        case 2:
            octets[place] = dice.choice(_TELLING)
        case 3:
            del octets[place:]
        case 4:
            del octets[place : place + dice.randint(1, 8)]
        case 5:
            octets[place:place] = dice.randbytes(dice.randint(1, 40))
        case _:
            other = dice.choice(whole)
            octets[place:] = other[dice.randrange(len(other)) :]
    return bytes(octets)


def survive(read: Callable[[bytes], Any], whole: Sequence[bytes], seed: int, steps: int = STEPS) -> None:
    """Read so many damaged messages, and a whole one behind each."""
    dice = random.Random(seed)
    values = [read(octets) for octets in whole]
    shortest = min(range(len(whole)), key=lambda index: len(whole[index]))
    malformed, slowest_s, before_kib = 0, 0.0, _most_memory_kib()
    for _ in range(steps):
        octets = damaged(dice, whole)
        began_s = time.thread_time()
        try:
            read(octets)
        except MalformedPduError as error:
            malformed += 1
            assert len(str(error)) < 100, "no place for what came"
        slowest_s = max(slowest_s, time.thread_time() - began_s)
        assert read(whole[shortest]) == values[shortest]
    assert [read(octets) for octets in whole] == values
    assert 0 < malformed < steps, "some are refused, and some can be read"
    assert slowest_s < MOST_S
    assert _most_memory_kib() - before_kib < MOST_GROWTH_KIB


def _most_memory_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def conversation() -> list[bytes]:
    """The call signalling of a whole call, with fast start, tunnelled H.245 and half keys."""
    tokens = MediaSecurity().offer()
    wire = Wire(accepting(fast_start=[CHANNEL], tokens=tokens))
    wire.dial(fast_start=(CHANNEL,), tokens=tuple(tokens))
    caller, _ = wire.ends
    for effects in (caller.call.keypad("2468#", 0), caller.call.ask_status(0), caller.call.release(0)):
        wire.do(caller, effects)
        wire.run()
    return wire.signalling


def test_ras():
    site, terminal = serving()
    asked = messages(terminal)
    answers = [sent.octets for each in asked for sent in site.gatekeeper.receive(each, terminal.source, T0)]
    assert len(answers) > 5
    survive(lambda octets: per.decode(per.Type.RAS, octets), [*asked, *answers], seed=1)


def test_call_signalling():
    def read(octets: bytes) -> Any:
        signal = message.parse(octets)
        begins = signal.type == MessageType.SETUP
        return signal, signal.fast_start, signal.tokens, signal.control_address, setup.parse(signal) if begins else None

    survive(read, conversation(), seed=2)


def test_h245():
    survive(lambda octets: per.decode(per.Type.H245, octets), whole_call(), seed=3)


def test_traversal():
    """What a ServiceControlIndication, a channel and a fresh connection say of firewalls (H.460.18, H.460.19)."""
    where = ("192.0.2.1", 1720)
    indications = [traversal.call_indication(where, KEY), traversal.call_indication(("2001:db8::1", 1720), KEY)]
    raw = [each["parameters"][0]["content"][1] for each in indications]

    def called(octets: bytes) -> Any:
        content = {"id": ("standard", 1), "content": ("raw", octets)}
        return traversal.read_call_indication([traversal.feature(traversal.SIGNALLING, content)])

    survive(called, raw, seed=21)
    said = [MediaTraversal(where, where, 7, where, 127, 30), MediaTraversal(keep_alive=where, keep_alive_s=19)]
    values = [each.generic_information()["messageContent"][0]["parameterValue"][1] for each in said]

    def told(octets: bytes) -> Any:
        information = MediaTraversal().generic_information()
        information["messageContent"][0]["parameterValue"] = ("octetString", octets)
        return MediaTraversal.find([information])

    survive(told, values, seed=22)
    dice, whole = random.Random(23), [call_backs.answer(KEY), *conversation()]
    found = [call_backs.call_of(damaged(dice, whole)) for _ in range(500)]
    assert None in found
    assert KEY in found


def test_tpkt():
    dice = random.Random(4)
    units = [dice.randbytes(dice.randint(1, 60)) for _ in range(4)]
    stream = b"".join(map(tpkt.frame, units))
    faults = 0
    for _ in range(STEPS):
        deframer, octets, found = tpkt.Deframer(max_unit_bytes=1_000), damaged(dice, [stream]), []
        while octets:
            size = dice.randint(1, 100)
            found += deframer.receive(octets[:size])
            octets = octets[size:]
            assert len(deframer._buffer) <= 1_000 + tpkt.HEADER_BYTES
        assert all(0 < len(unit) <= 1_000 for unit in found)
        faults += bool(deframer.fault)
        assert tpkt.Deframer().receive(stream) == units
    assert 0 < faults < STEPS


def _session_keys() -> tuple[MediaSecurity, dict[Algorithm, bytes]]:
    """Of the slave, and what its master sends, as octets: the flag, then the key."""
    master, slave = MediaSecurity((DH_1024,)), MediaSecurity((DH_1024,))
    master.accept(slave.answer(master.offer()))
    told = {each: master.new_key(each, 98)[1] for each in Algorithm}
    return slave, {each: bytes([sync["synchFlag"]]) + sync["h235Key"] for each, sync in told.items()}


def test_session_keys():
    slave, told = _session_keys()

    def read(octets: bytes) -> Any:
        found: list[Any] = []
        for algorithm in Algorithm:
            try:
                found.append(slave.read_key({"synchFlag": next(iter(octets), 0), "h235Key": octets[1:]}, algorithm))
            except MalformedPduError:
                found.append(None)
        if not any(found):
            raise MalformedPduError("no key")
        return found

    survive(read, list(told.values()), seed=5, steps=2_000)


def test_half_keys():
    """Who offered is not brought out of its agreement by a damaged answer."""
    with_tokens = [octets for octets in conversation() if message.parse(octets).tokens]

    def read(octets: bytes) -> Any:
        tokens = message.parse(octets).tokens
        MediaSecurity((DH_1024,)).accept(tokens)
        return tokens

    survive(read, with_tokens, seed=6, steps=1_500)
    ours = MediaSecurity((DH_1024,))
    offer = ours.offer()
    for octets in (b"", bytes(3), bytes(129), b"\xff" * 128):
        token = {"tokenOID": offer[0]["tokenOID"], "dhkey": {"halfkey": (int.from_bytes(octets), 8 * len(octets))}}
        assert not ours.accept([token])
    assert ours.accept(MediaSecurity((DH_1024,)).answer(offer))


def test_signatures():
    """A damaged message is never taken for one that was signed."""
    _, terminal = serving()
    signed = messages(terminal)
    key = PasswordKey.of(PASSWORD)

    def read(octets: bytes) -> Any:
        _, body = per.decode(per.Type.RAS, octets)
        token = h2351.find(body.get("cryptoTokens") if isinstance(body, dict) else None)
        is_genuine = token is not None and h2351.is_genuine(key, token, octets)
        assert is_genuine is (octets in signed)
        return token

    survive(read, signed, seed=7, steps=1_500)


def test_media_cipher():
    """One decryptor, whose context runs on whatever came between."""
    dice = random.Random(8)
    encryptor, decryptor = PayloadEncryptor(KEY), PayloadDecryptor(KEY)
    refused = 0
    for step in range(STEPS):
        ciphertext, is_padded = dice.randbytes(dice.randint(0, 5 * BLOCK)), dice.random() < 0.5
        try:
            payload = decryptor.decrypt(ciphertext, dice.randrange(1 << 16), dice.randrange(1 << 32), is_padded)
        except CiphertextError:
            refused += 1
        else:
            assert len(payload) <= len(ciphertext)
        whole = dice.randbytes(dice.randint(1, 50))
        sent, is_padded = encryptor.encrypt(whole, step, 160 * step)
        assert decryptor.decrypt(sent, step, 160 * step, is_padded) == whole
    assert 0 < refused < STEPS


def test_encrypted_packets():
    """One transport, whose other packets are read whatever came between."""
    dice = random.Random(9)
    ours, theirs = H235Pair(H235Keys(KEY)), H235Pair(H235Keys(b"", ((98, KEY),)))
    clear = [rtp.header(98, False, n, 160 * n, 7) + dice.randbytes(dice.randint(1, 100)) for n in range(20)]
    whole = [ours.protect(packet) or b"" for packet in clear]
    for step in range(STEPS):
        octets = damaged(dice, whole)
        found = theirs.unprotect(octets)
        assert found is None or len(found) <= len(octets)
        assert theirs.unprotect(whole[step % 20]) == clear[step % 20]
    assert 0 < theirs.drops.total() < STEPS
