from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from crypto.h235.algorithm import Algorithm
from crypto.h235.diffie_hellman import DH_1024, DH_2048, DH_4096, GROUPS
from signaling.h323 import per
from signaling.h323.errors import MalformedPduError
from signaling.h323.media_security import MediaSecurity
from signaling.h323.per import Type


def over_the_wire(tokens, message="setup"):
    """What the other end reads."""
    identifier = (0, 0, 8, 2250, 0, 6)
    body = {"protocolIdentifier": identifier, "callIdentifier": {"guid": bytes(16)}, "tokens": list(tokens)}
    if not tokens:
        return []
    body |= {"conferenceID": bytes(16), "multipleCalls": False, "maintainConnection": False}
    terminal = {"mc": False, "undefinedNode": False}
    if message == "setup":
        body |= {"sourceInfo": terminal, "activeMC": False, "conferenceGoal": ("join", 0), "mediaWaitForConnect": False}
        body |= {"callType": ("pointToPoint", 0), "canOverlapSend": False}
    else:
        body |= {"destinationInfo": terminal}
    octets = per.encode(Type.USER_INFORMATION, {"h323-uu-pdu": {"h323-message-body": (message, body)}})
    return per.decode(Type.USER_INFORMATION, octets)["h323-uu-pdu"]["h323-message-body"][1]["tokens"]


def agreed(caller_groups, called_groups):
    caller, called = MediaSecurity(caller_groups), MediaSecurity(called_groups)
    answer = called.answer(over_the_wire(caller.offer()))
    caller.accept(over_the_wire(answer, "connect"))
    return caller, called


@pytest.mark.parametrize(
    ("ours", "theirs", "group", "best"),
    [
        (tuple(GROUPS.values()), tuple(GROUPS.values()), DH_4096, Algorithm.AES_256_CBC),
        ((DH_1024, DH_2048), tuple(GROUPS.values()), DH_2048, Algorithm.AES_256_CBC),
        ((DH_1024,), (DH_4096, DH_1024), DH_1024, Algorithm.AES_128_CBC),
    ],
)
def test_the_strongest_group_in_common_carries_session_keys_both_ways(ours, theirs, group, best):
    caller, called = agreed(ours, theirs)
    assert caller.group == called.group == group
    assert caller.algorithms == called.algorithms
    assert caller.algorithms[0] is best
    for algorithm in caller.algorithms:
        for master, slave in ((caller, called), (called, caller)):
            key, synchronization = master.new_key(algorithm, 98)
            assert len(key) == algorithm.key_bytes
            assert slave.read_key(synchronization, algorithm) == (key, 98)


def test_without_a_common_group_nothing_is_encrypted():
    caller, called = agreed((DH_1024,), (DH_2048,))
    assert not caller.is_agreed
    assert not called.is_agreed
    assert called.algorithms == ()
    with pytest.raises(ValueError, match="no key"):
        called.new_key(Algorithm.AES_128_CBC, 98)


def test_tokens_look_as_terminals_expect():
    tokens = MediaSecurity((DH_1024, DH_2048)).offer()
    assert [token["tokenOID"][-1] for token in tokens] == [43, 45, 24]
    small, large = tokens[0]["dhkey"], tokens[1]["dhkey"]
    assert small["modSize"] == (DH_1024.prime, 1024)
    assert small["generator"] == (2, 1024)
    assert small["halfkey"][1] == 1024
    assert (large["modSize"], large["generator"]) == ((0, 0), (0, 0))
    assert large["halfkey"][1] == 2048


def test_a_session_key_on_the_wire():
    caller, called = agreed((DH_1024,), (DH_1024,))
    key, synchronization = caller.new_key(Algorithm.AES_128_CBC, 120)
    octets = synchronization["h235Key"]
    assert octets[:15] == bytes.fromhex("801d30096086480165030401020010")  # as h323plus and GnuGk write it
    kek = called._secret[-16:]
    decryptor = Cipher(algorithms.AES(kek), modes.CBC(bytes(16))).decryptor()
    assert decryptor.update(octets[15:]) == key


@pytest.mark.parametrize("y", [0, 1, DH_1024.prime - 1, DH_1024.prime + 5])
def test_half_keys_that_give_the_secret_away_are_no_agreement(y):
    token = {
        "tokenOID": (0, 0, 8, 235, 0, 3, 43),
        "dhkey": {"halfkey": (y, 1024), "modSize": (0, 0), "generator": (0, 0)},
    }
    called = MediaSecurity()
    assert called.answer([token]) == []
    assert not called.is_agreed


@pytest.mark.parametrize(
    "key",
    [
        ("secureChannel", (0, 128)),
        ("secureSharedSecret", {"paramS": {}}),
        ("secureSharedSecret", {"paramS": {}, "encryptedSessionKey": bytes(15)}),
        ("secureSharedSecret", {"algorithmOID": (1, 3, 14, 3, 2, 7), "paramS": {}, "encryptedSessionKey": bytes(16)}),
    ],
)
def test_keys_in_the_clear_or_of_another_cipher_are_refused(key):
    _, called = agreed((DH_1024,), (DH_1024,))
    with pytest.raises(MalformedPduError):
        called.read_key({"synchFlag": 98, "h235Key": per.encode(Type.H235_KEY, key)}, Algorithm.AES_128_CBC)


def test_tokens_that_cannot_be_read_are_passed_over():
    tokens = [{"tokenOID": (0, 0, 8, 235, 0, 3, 47), "_ext_4": b"\x00"}, {"tokenOID": (1, 2)}] * 20
    assert MediaSecurity().answer(tokens) == []
    assert "secret" not in repr(MediaSecurity())
