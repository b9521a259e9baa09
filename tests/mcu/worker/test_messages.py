"""What processes say to each other: nothing secret is shown, everything comes out as it went in."""

from __future__ import annotations

from mcu.media import Kind, SdesKeys, StreamSpec
from mcu.worker.messages import ConfigureLeg, LegOpened, StartRecording, decode, encode

_SECRET = b"geheim, 32 bytes of a secret key"


def test_no_secret_in_a_repr_and_all_of_it_at_the_other_end() -> None:
    keys = SdesKeys("AEAD_AES_128_GCM", _SECRET, _SECRET)
    for message in (
        StartRecording(1, "r", "/r", _SECRET, b"head", 1, 1, 1),
        LegOpened(1, "192.0.2.1", ice_pwd=_SECRET.decode()),
        ConfigureLeg(1, (StreamSpec("0", Kind.AUDIO, sdes=keys),)),
    ):
        assert "geheim" not in repr(message)
        assert decode(encode(message)) == message
