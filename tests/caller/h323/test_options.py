"""Whom an h323 address means, what may be asked for, and where a passcode goes."""

import pytest

from caller.errors import OptionError
from caller.h323.options import Encryption, FirewallTraversal, H323Options, PasscodeWay, Target, parse_target
from caller.options import CallOptions, check
from crypto.h235.algorithm import Algorithm
from mcu.media import Codec


@pytest.mark.parametrize(("text", "target"), [
    ("h323:1001@192.0.2.1", Target("1001", "192.0.2.1", 1720)),
    ("h323:1001**2468@192.0.2.1:1730", Target("1001**2468", "192.0.2.1", 1730)),
    ("h323:Ward%203@conf.example.org", Target("Ward 3", "conf.example.org", 1720)),
    ("h323:1001@[2001:db8::1]:1721", Target("1001", "2001:db8::1", 1721)),
])  # fmt: skip
def test_addresses(text, target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", [
    "h323:1001", "h323:@192.0.2.1", "h323:1001@", "h323:1001@192.0.2.1:0", "h323:1001@192.0.2.1:70000",
    "h323:10 01@192.0.2.1", "sip:1001@192.0.2.1", "h323:1001@192.0.2.1:port", "h323:1001@2001:db8::1",
])  # fmt: skip
def test_what_is_no_address(text) -> None:
    with pytest.raises(OptionError):
        parse_target(text)


@pytest.mark.parametrize(("way", "alias"), [
    (PasscodeWay.DIALLED, "1001**2468"), (PasscodeWay.INPUT, "1001"), (PasscodeWay.SIGNAL, "1001"),
    (PasscodeWay.KEYPAD, "1001"), (PasscodeWay.H243, "1001"),
])  # fmt: skip
def test_a_passcode_is_dialled_only_where_that_is_its_way(way, alias) -> None:
    options = CallOptions("h323:1001@192.0.2.1", "2468", h323=H323Options(passcode_way=way))
    assert options.h323_target() == Target(alias, "192.0.2.1")
    assert options.place() == ("192.0.2.1", 1720)
    assert "2468" not in repr(options)


@pytest.mark.parametrize(("options", "word"), [
    (CallOptions("h323:1001@h"), "Opus"),
    (CallOptions("h323:1001@h", audio=Codec.G722, video=Codec.VP8), "VP8"),
    (CallOptions("h323:1001@h", audio=Codec.G722, video=Codec.H263), "352x288"),
    (CallOptions("sip:1001@h", video=Codec.H263, width=352, height=288), "H.323"),
    (CallOptions("h323:1001**1@h", "2468", audio=Codec.G722), "already"),
    (CallOptions("h323:1001@h", audio=Codec.G722, h323=H323Options(key_bits=(56,))), "--key-bits"),
    (CallOptions("h323:1001@h", audio=Codec.G722, h323=H323Options(groups=(512,))), "--dh-groups"),
    (CallOptions("h323:1001@h", audio=Codec.G722, h323=H323Options(groups=())), "--dh-groups"),
    (CallOptions("h323:1001@h", audio=Codec.G722, h323=H323Options(slides="blue")), "--present"),
    (CallOptions("h323:1001@h", audio=Codec.G722, h323=H323Options(rate_bps=1000)), "--rate"),
    (CallOptions("h323:1001@h", audio=Codec.G722, h323=H323Options(renew_keys_s=-1)), "--renew-keys"),
    (CallOptions("h323:1001@h", audio=Codec.G722, h323=H323Options(ras_port=0)), "--ras-port"),
    (CallOptions("h323:1001@h", audio=Codec.G722, count=2, h323=H323Options(waits=True)), "--wait"),
])  # fmt: skip
def test_what_cannot_be_done(options, word) -> None:
    with pytest.raises(OptionError, match=word):
        check(options)


def test_ciphers_and_groups_that_are_asked_for() -> None:
    every = H323Options()
    assert every.algorithms == (Algorithm.AES_256_CBC, Algorithm.AES_192_CBC, Algorithm.AES_128_CBC)
    assert [group.bits for group in every.dh_groups] == [1024, 2048, 4096]
    few = H323Options(key_bits=(128, 192), groups=(1024,))
    assert few.algorithms == (Algorithm.AES_192_CBC, Algorithm.AES_128_CBC)
    assert [group.oid for group in few.dh_groups] == ["0.0.8.235.0.3.43"]
    assert H323Options(encryption=Encryption.OFF).algorithms == ()


def test_who_is_called_or_has_an_account_behind_a_firewall_registers() -> None:
    hidden = {"traversal": FirewallTraversal.H460}
    signed = {"account": "cart", "password": "x"}
    assert H323Options(waits=True).registers
    assert H323Options(**hidden, **signed).registers
    assert not H323Options(**hidden).registers
    assert not H323Options(**signed).registers


def test_the_greater_terminal_type_is_master() -> None:
    # H.323 table 1: a terminal without an MC is 50, an active MC 240.
    assert H323Options().terminal_type == 50
    assert H323Options(is_master=True).terminal_type > 240
