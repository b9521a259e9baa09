"""What the kernel says of interfaces (rtnetlink(7)): carriers, names that change, lists that fail, damaged messages."""

import random
import struct

from auth8021x.ports.link_messages import Carriers
from tests.fuzz.mutator import mutate

NEW, DEL, DONE, ERROR = 16, 17, 3, 2
UP, LOWER_UP = 0x1, 0x10000
BRIDGE = 7


def message(kind: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body + bytes(-len(body) % 4)


def link(
    name: str, *, up: bool = True, kind: int = NEW, index: int = 3, family: int = 0, flags: int | None = None,
    changes: int | None = None,
) -> bytes:  # fmt: skip
    seen = flags if flags is not None else (UP | LOWER_UP if up else UP)
    text = name.encode() + b"\0"
    mtu = struct.pack("=HHI", 8, 4, 1500)
    count = b"" if changes is None else struct.pack("=HHI", 8, 35, changes)
    label = struct.pack("=HH", 4 + len(text), 3) + text + bytes(-len(text) % 4)
    return message(kind, struct.pack("=BBHiII", family, 0, 1, index, seen, 0) + mtu + count + label)


def listed(*names: str, other: bytes = b"") -> Carriers:
    made = Carriers(["p1", "p2"])
    assert made.request() is not None
    data = b"".join(link(name, index=index) for index, name in enumerate(names, 3))
    made.receive(data + other + message(DONE, bytes(4)))
    return made


def test_the_list_says_who_is_up_from_the_start():
    made = Carriers(["p1", "p2"])
    asked = made.request()
    assert asked is not None
    assert struct.unpack("=IHHII", asked[:16])[:3] == (len(asked), 18, 0x301)
    assert made.request() is None
    assert made.receive(link("p1") + link("lo", index=1) + link("p2", up=False, index=4)) == [("p1", True)]
    assert made.receive(message(DONE, bytes(4))) == []


def test_changes_are_told_once():
    made = listed("p1", "p2")
    assert made.receive(link("p1", up=False)) == [("p1", False)]
    assert made.receive(link("p1", up=False)) == []
    assert made.receive(link("p1")) == [("p1", True)]
    assert made.receive(link("p1", flags=LOWER_UP)) == [("p1", False)], "switched off by an administrator"


def test_an_interface_that_goes_or_is_renamed_is_down():
    made = listed("p1", "p2")
    assert made.receive(link("p1", kind=DEL)) == [("p1", False)]
    assert made.receive(link("p9", index=4)) == [("p2", False)]
    assert made.receive(link("p1", index=4)) == [("p1", True)]


def test_a_port_that_changes_its_bridge_is_not_gone():
    made = listed("p1")
    assert made.receive(link("p1", kind=DEL, family=BRIDGE)) == []
    assert made.receive(link("p1", up=False, family=BRIDGE)) == []


def test_lost_messages_are_made_good_by_a_new_list():
    made = listed("p1", "p2")
    made.lost()
    assert made.request() is not None
    assert made.receive(link("p1") + message(DONE, bytes(4))) == [("p2", False)]
    assert made.counters == {"link-messages-lost": 1}
    assert made.request() is None


def test_a_plug_that_was_pulled_and_put_in_again_unseen_is_seen_by_the_kernels_count():
    made = listed()
    made.receive(link("p1", changes=1) + link("p2", index=4))
    assert made.receive(link("p1", changes=1)) == []
    assert made.receive(link("p1", changes=3)) == [("p1", False), ("p1", True)]
    assert made.receive(link("p1", changes=4, up=False)) == [("p1", False)]
    assert made.receive(link("p1", changes=5)) == [("p1", True)]
    assert made.receive(link("p1")) == [], "a message of a driver, without the count"
    assert made.receive(link("p1", changes=5)) == []
    assert made.receive(link("p2", index=4, changes=2)) == [], "counted from now on"
    assert made.receive(link("p2", index=9, changes=2)) == [("p2", False), ("p2", True)], "another card in its place"


def test_a_request_that_could_not_be_sent_is_made_again():
    made = Carriers(["p1", "p2"])
    assert made.request() is not None
    made.unsent()
    assert made.request() is not None
    assert made.receive(link("p1") + message(DONE, bytes(4))) == [("p1", True)]


def test_a_list_that_failed_or_was_interrupted_is_asked_for_again_and_takes_nobody_down():
    made = listed("p1", "p2")
    made.lost()
    made.request()
    assert made.receive(message(ERROR, struct.pack("=i", -16))) == []
    assert made.request() is not None
    assert made.receive(message(NEW, link("p1")[16:], flags=0x10) + link("p2", index=4) + message(DONE, bytes(4))) == []
    assert made.request() is not None


def test_damaged_messages_raise_nothing():
    dice = random.Random(1)
    whole = link("p1") + link("p2", index=4) + message(DONE, bytes(4))
    for length in range(len(whole)):
        Carriers(["p1", "p2"]).receive(whole[:length])
    made = Carriers(["p1", "p2"])
    for _ in range(5000):
        for name, _is_up in made.receive(mutate(dice, [whole], 4096)):
            assert name in ("p1", "p2")
