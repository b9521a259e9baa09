"""What a call is to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from caller.errors import OptionError
from caller.h323.options import H323Options, PasscodeWay, Target, parse_target
from mcu.media import Codec
from signaling.errors import SignalingError
from signaling.sip.wire.uri import Uri, parse_uri

AUDIO_CODECS = {"opus": Codec.OPUS, "g722": Codec.G722, "pcmu": Codec.PCMU, "pcma": Codec.PCMA, "none": None}
VIDEO_CODECS = {
    "h264": Codec.H264,
    "vp8": Codec.VP8,
    "h263": Codec.H263,
    "h263-1996": Codec.H263_1996,
    "h261": Codec.H261,
    "none": None,
}
OLDER_VIDEO = (Codec.H263, Codec.H263_1996, Codec.H261)
"""That of H.323 terminals, in CIF and QCIF."""
OLDER_SIZES = ((352, 288), (176, 144))
H264_PROFILES = {"baseline": 66, "main": 77, "high": 100}
"""Names to profile_idc."""
SIP_PORT = 5060
TEST = "test"
FLASH = "flash"
NOTHING = "none"
MAX_COUNT = 500
MAX_SECONDS = 7 * 24 * 3600.0

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_PASSCODE = re.compile(r"[0-9A-Za-z*#]{1,64}")
_TONE = re.compile(r"voice(:[1-9][0-9]?)?|[1-9][0-9]{1,4}|silence")


@dataclass(frozen=True, slots=True)
class CallOptions:
    """One or several calls at once. `play` is "test", "flash" (flash and beep each second), "none" or a file."""

    uri: str
    passcode: str = field(default="", repr=False)
    play: str = TEST
    record: Path | None = None
    seconds: float = 30.0
    silent_s: float = 20.0
    """When nothing comes any more for so long the network is taken for gone; 0: never."""
    count: int = 1
    transport: str = ""
    """udp, tcp or tls; "" takes what the address says."""
    authority: Path | None = None
    """PEM file of the authority to believe over TLS, beside those of the machine."""
    is_encrypted: bool = True
    audio: Codec | None = Codec.OPUS
    video: Codec | None = Codec.H264
    packetization_mode: int = 1
    """Of H.264 (RFC 6184 6.2); 0 is what many older terminals speak."""
    profile: str = "baseline"
    """Of the H.264 that is sent; what is received may be of any."""
    name: str = "Drumtower call"
    tone: str = "voice"
    """"voice", "voice:N" (another person), a frequency in Hz, or "silence"."""
    color: str = "#2f6f8f"
    width: int = 640
    height: int = 360
    frame_rate: int = 25
    bitrate_bps: int = 700_000
    decodes: bool = True
    """Decode what is received, to count pictures; off where many callers are only load."""
    loss: float = 0.0
    """The share of media packets that is thrown away, on the way out and on the way in: a bad network."""
    h323: H323Options = field(default_factory=H323Options)
    """For h323: addresses."""

    @property
    def is_h323(self) -> bool:
        """Whether the call goes over H.323 and not over SIP."""
        return self.uri.partition(":")[0].lower() == "h323"

    def place(self) -> tuple[str, int]:
        """Host and port to send to. Raises OptionError."""
        if self.is_h323:
            target = self.h323_target()
            return target.host, target.port
        uri = self.target()
        return uri.host, uri.port or SIP_PORT

    def target(self) -> Uri:
        """Whom to dial, passcode and transport included. Raises OptionError."""
        try:
            uri = parse_uri(self.uri)
        except SignalingError:
            raise OptionError("the address is no SIP address such as sip:1001@192.0.2.1") from None
        if uri.scheme not in ("sip", "sips") or not uri.user:
            raise OptionError("the address is no SIP address such as sip:1001@192.0.2.1")
        if self.passcode:
            if "**" in uri.user:
                raise OptionError("the address already holds a passcode")
            uri = replace(uri, user=f"{uri.user}**{self.passcode}")
        if uri.scheme == "sips" or not self.transport:
            return uri
        params = tuple(item for item in uri.params if item[0] != "transport")
        return replace(uri, params=(*params, ("transport", self.transport)) if self.transport != "udp" else params)

    def h323_target(self) -> Target:
        """The same over H.323. Raises OptionError."""
        target = parse_target(self.uri)
        if not self.passcode or self.h323.passcode_way is not PasscodeWay.DIALLED:
            return target
        if "**" in target.alias:
            raise OptionError("the address already holds a passcode")
        return replace(target, alias=f"{target.alias}**{self.passcode}")


def check(options: CallOptions) -> None:
    """Raises OptionError for what cannot be done."""
    options.place()
    claims = (
        (
            not options.passcode or _PASSCODE.fullmatch(options.passcode),
            "the passcode may hold digits and letters only",
        ),
        (1 <= options.count <= MAX_COUNT, f"--count must be 1 to {MAX_COUNT}"),
        (0 < options.seconds <= MAX_SECONDS, "--seconds must be above 0 and at most a week"),
        (options.silent_s == 0 or 1 <= options.silent_s <= MAX_SECONDS, "--silent must be 0, or 1 to a week"),
        (options.transport in ("", "udp", "tcp", "tls"), "--transport must be udp, tcp or tls"),
        (not options.is_h323 or options.audio is not Codec.OPUS, "--audio: H.323 knows no Opus"),
        (not options.is_h323 or options.video is not Codec.VP8, "--video: H.323 knows no VP8"),
        (options.is_h323 or options.video not in OLDER_VIDEO, "--video h263 and h261 are for H.323"),
        (
            options.video not in OLDER_VIDEO or (options.width, options.height) in OLDER_SIZES,
            "--size: H.263 and H.261 know 352x288 and 176x144",
        ),
        (options.authority is None or options.authority.is_file(), "--authority: no such file"),
        (options.packetization_mode in (0, 1), "--packetization-mode must be 0 or 1"),
        (options.profile in H264_PROFILES, "--profile must be baseline, main or high"),
        (options.is_h323 or options.profile == "baseline", "--profile is for H.323"),
        (options.audio or options.video, "audio and video cannot both be none"),
        (_COLOR.fullmatch(options.color), "--color must look like #2f6f8f"),
        (_TONE.fullmatch(options.tone), "--tone must be voice, voice:N, a frequency in Hz, or silence"),
        (options.record is None or options.count == 1, "--record needs --count 1"),
        (not options.h323.waits or options.count == 1, "--wait needs --count 1"),
        (options.play in (TEST, FLASH, NOTHING) or Path(options.play).is_file(), "--play: no such file"),
        (16 <= options.width <= 1920 and options.width % 2 == 0, "--size: the width must be even, 16 to 1920"),
        (16 <= options.height <= 1080 and options.height % 2 == 0, "--size: the height must be even, 16 to 1080"),
        (1 <= options.frame_rate <= 60, "--frame-rate must be 1 to 60"),
        (0 <= options.loss < 1, "--loss must be 0 to 99"),
        (50_000 <= options.bitrate_bps <= 10_000_000, "--bitrate must be 50 to 10000 kbit/s"),
    )
    for is_true, text in claims:
        if not is_true:
            raise OptionError(text)
    if options.is_h323:
        options.h323.check()
