"""A leg whose time has not come is left alone: viewers cost nothing between their reports."""

from collections import Counter

from config.media import NetSettings
from mcu.media import Codec, Extensions, Format, Kind, StreamSpec
from mcu.net.leg import Leg
from mcu.rtp.ntp import NtpClock
from mcu.rtp.packet import extension_block, header
from tests.mcu.net.harness import H264, PCMU

LEVELS = Extensions(transport_cc=3)


class Outlet:
    def tell(self, message: object) -> None: ...
    def source_frame(self, frame: object) -> None: ...
    def peer_wants_keyframe(self, leg: int, kind: Kind) -> None: ...
    def queue_filled(self, leg: int) -> None: ...


class Transport:
    """In the place of a component: what goes out is counted."""

    latch = None
    payload_types: frozenset[int] = frozenset()

    def __init__(self) -> None:
        self.compounds: list[bytes] = []
        self.latch = None

    def use_dtls(self, peer: object) -> None: ...

    def send_rtcp(self, compound: bytes) -> None:
        self.compounds.append(compound)


def leg(form: Format) -> tuple[Leg, Transport]:
    made = Leg(1, "1001", "us", NetSettings(), NtpClock(0), Outlet(), Counter())
    transport = Transport()
    kind = Kind.VIDEO if form.codec is Codec.H264 else Kind.AUDIO
    made.components[kind] = (transport, transport)  # type: ignore[assignment]  # as much of it as a leg uses here
    spec = StreamSpec("0", kind, (form,), form, extensions=LEVELS, dtls=object())  # type: ignore[arg-type]  # not looked at
    made.configure((spec,), 0)
    made.attach(0)
    made.handle_timeout(1_000_000)
    return made, transport


def test_a_leg_that_sends_no_picture_rests_until_its_next_report() -> None:
    made, transport = leg(PCMU)
    assert len(transport.compounds) == 1
    assert 1_500_000 <= made.due_us <= 2_500_000
    made.handle_timeout(made.due_us)
    assert len(transport.compounds) == 2


def test_a_packet_ends_the_rest_and_feedback_about_it_is_in_time() -> None:
    made, transport = leg(PCMU)
    packet = header(0, False, 1, 0, 7, extension_block([(3, b"\x00\x01")])) + b"sound"
    made.rtp_received(made.components[Kind.AUDIO][0], packet, 1_010_000)
    assert made.due_us == 0
    made.handle_timeout(1_010_000)
    assert made.due_us == 1_110_000  # transport-wide feedback, a tenth of a second after the first arrival
    made.handle_timeout(made.due_us)
    assert len(transport.compounds) == 2


def test_a_leg_that_sends_pictures_is_looked_at_at_each_tick() -> None:
    made, _ = leg(H264)
    made.rtp_received(made.components[Kind.VIDEO][0], header(97, True, 1, 0, 7) + b"\x41\x9a", 1_010_000)
    made.handle_timeout(1_020_000)
    assert made.due_us == 0
