"""`drumtower call`: arguments, secrets from elsewhere, the report on standard output."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import signal
import sys
from pathlib import Path

from caller.errors import OptionError
from caller.h323.options import SLIDES_COLOR, Encryption, FirewallTraversal, H323Options, PasscodeWay
from caller.options import AUDIO_CODECS, H264_PROFILES, OLDER_VIDEO, VIDEO_CODECS, CallOptions, check
from caller.report import EXIT_USAGE, CallReport, exit_code, summary
from config.environment import take_secret

PASSCODE_VARIABLE = "DRUMTOWER_PASSCODE"
PASSWORD_VARIABLE = "DRUMTOWER_TERMINAL_PASSWORD"  # noqa: S105 - its name
MAX_PASSCODE_FILE_BYTES = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the subcommand."""
    parser.epilog = (
        f"The passcode comes from --passcode-file, --passcode-prompt or ${PASSCODE_VARIABLE}, never from an argument. "
        "Exit codes: 0 ok, 1 refused, 2 wrong use, 3 no media came, 4 the call broke off."
    )
    parser.add_argument("uri", metavar="ADDRESS", help="whom to call: sip[s]:ROOM@HOST[:PORT] or h323:ROOM@HOST[:PORT]")
    parser.add_argument("--play", default="test", metavar="FILE|test|flash|none", help="what to play (default: test)")
    parser.add_argument("--record", type=Path, metavar="OUT.mp4", help="write what is seen and heard")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="N", help="hang up after N seconds")
    parser.add_argument(
        "--silent", type=float, default=20.0, metavar="N",
        help="hang up when nothing comes any more for N seconds (default: 20; 0: never)",
    )  # fmt: skip
    parser.add_argument("--count", type=int, default=1, metavar="K", help="K callers at once")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--passcode-file", type=Path, metavar="FILE", help="the passcode is the first line of FILE")
    secret.add_argument("--passcode-prompt", action="store_true", help="ask for the passcode")
    parser.add_argument(
        "--transport", choices=("udp", "tcp", "tls"), default="", help="of SIP (default: as the address says)"
    )
    parser.add_argument("--authority", type=Path, metavar="CA.pem", help="believe this authority, too, over TLS")
    parser.add_argument("--srtp", choices=("sdes", "none"), default="sdes", help="encryption of media (SIP)")
    parser.add_argument("--audio", choices=tuple(AUDIO_CODECS), default="", help="default: opus, over H.323 g722")
    parser.add_argument(
        "--video", choices=tuple(VIDEO_CODECS), default="h264", help="h263-1996: in RFC 2190; h261: sent, h263 is taken"
    )
    parser.add_argument("--packetization-mode", type=int, choices=(0, 1), default=1, help="of H.264")
    parser.add_argument(
        "--profile", choices=tuple(H264_PROFILES), default="baseline", help="of the H.264 sent, where the room takes it"
    )
    parser.add_argument("--name", default="Drumtower call", help="display name, also in the test picture")
    parser.add_argument("--tone", default="voice", metavar="HZ|voice[:N]|silence", help="test sound")
    parser.add_argument("--color", default="#2f6f8f", metavar="#RRGGBB", help="colour of the test picture")
    parser.add_argument(
        "--size", default="", metavar="WxH", help="of the picture sent (640x360, of h263 and h261 352x288)"
    )
    parser.add_argument("--frame-rate", type=int, default=25, metavar="FPS")
    parser.add_argument("--bitrate", type=int, default=700, metavar="KBIT", help="of the picture sent, in kbit/s")
    parser.add_argument(
        "--loss", type=float, default=0.0, metavar="PERCENT", help="throw away so many media packets, both ways"
    )
    parser.add_argument("--no-decode", action="store_true", help="count pictures without decoding them (load)")
    _add_h323_arguments(parser.add_argument_group("over H.323", "for h323: addresses only"))


def _add_h323_arguments(group: argparse._ArgumentGroup) -> None:
    add, defaults = group.add_argument, H323Options()
    add("--encryption", choices=tuple(Encryption), default=defaults.encryption, help="of media, by H.235.6")
    add("--key-bits", default="", metavar="128,192,256", help="ciphers that are taken (default: all)")
    add("--dh-groups", default="", metavar="1024,2048,4096", help="key agreements that are offered (default: all)")
    add("--renew-keys", type=float, default=0.0, metavar="N", help="get new keys every N seconds")
    add("--steal", action="store_true", help="send stolen ciphertext instead of padding")
    add("--h245-master", action="store_true", help="be the H.245 master, who makes the keys, even of an MCU")
    add("--no-tunnelling", action="store_true", help="H.245 on a connection of its own")
    add("--fast-start", action="store_true", help="propose sound in Setup (without encryption)")
    add(
        "--passcode-by", choices=tuple(PasscodeWay), default=defaults.passcode_way,
        help="dialled behind the room, keyed in as user input (a string, or signals) or keypad, or asked for by H.243",
    )  # fmt: skip
    add(
        "--account",
        default="",
        metavar="ALIAS",
        help=f"sign the call by H.235.1 with the password in ${PASSWORD_VARIABLE}",
    )
    add("--present", nargs="?", const=SLIDES_COLOR, default="", metavar="#RRGGBB", help="present slides (H.239)")
    add(
        "--traversal", choices=tuple(FirewallTraversal), default=defaults.traversal,
        help="through a firewall or NAT by H.460.18 and .19, with ports for each stream or one pair for all;"
        " with --account it registers",
    )  # fmt: skip
    add("--wait", action="store_true", help="register as the alias of ADDRESS and wait to be called")
    add("--ras-port", type=int, default=defaults.ras_port, metavar="PORT", help="of the gatekeeper (default: 1719)")
    add("--rate", type=int, default=defaults.rate_bps // 1000, metavar="KBIT", help="of the call, in kbit/s")


def run(args: argparse.Namespace) -> int:
    """Place the calls and print what they measured; the exit code."""
    try:
        options = _options(args)
        check(options)
        reports = asyncio.run(_run(options))
    except OptionError as error:
        print(f"drumtower call: {error}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        print(f"drumtower call: {error.strerror or error}", file=sys.stderr)
        return EXIT_USAGE
    _print(reports, args.json)
    return exit_code(reports)


async def _run(options: CallOptions) -> list[CallReport]:
    """Hang up in good order on Ctrl-C and SIGTERM."""
    # Codecs are loaded by those who call, not by every command that prints its help.
    from caller.calls import place_calls

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return await place_calls(options, stop)


def _options(args: argparse.Namespace) -> CallOptions:
    size = args.size or ("352x288" if VIDEO_CODECS[args.video] in OLDER_VIDEO else "640x360")
    width, by, height = size.partition("x")
    if not (by and width.isdigit() and height.isdigit() and len(size) < 12):
        raise OptionError("--size must look like 640x360")
    is_h323 = args.uri.lower().startswith("h323:")
    return CallOptions(
        uri=args.uri,
        passcode=_passcode(args),
        play=args.play,
        record=args.record,
        seconds=args.seconds,
        silent_s=args.silent,
        count=args.count,
        transport=args.transport,
        authority=args.authority,
        is_encrypted=args.srtp == "sdes",
        audio=AUDIO_CODECS[args.audio or ("g722" if is_h323 else "opus")],
        video=VIDEO_CODECS[args.video],
        packetization_mode=args.packetization_mode,
        profile=args.profile,
        name=args.name,
        tone=args.tone,
        color=args.color,
        width=int(width),
        height=int(height),
        frame_rate=args.frame_rate,
        bitrate_bps=args.bitrate * 1000,
        loss=args.loss / 100,
        decodes=not args.no_decode and args.count == 1,
        h323=_h323_options(args),
    )


def _h323_options(args: argparse.Namespace) -> H323Options:
    defaults = H323Options()
    return H323Options(
        encryption=Encryption(args.encryption),
        key_bits=_numbers("--key-bits", args.key_bits) or defaults.key_bits,
        groups=_numbers("--dh-groups", args.dh_groups) or defaults.groups,
        is_master=args.h245_master,
        is_tunnelling=not args.no_tunnelling,
        has_fast_start=args.fast_start,
        passcode_way=PasscodeWay(args.passcode_by),
        slides=args.present,
        rate_bps=args.rate * 1000,
        renew_keys_s=args.renew_keys,
        steals=args.steal,
        traversal=FirewallTraversal(args.traversal),
        waits=args.wait,
        ras_port=args.ras_port,
        account=args.account,
        password=(take_secret(PASSWORD_VARIABLE) or "") if args.account else "",
    )


def _numbers(option: str, text: str) -> tuple[int, ...]:
    if not all(word.isdecimal() for word in text.split(",") if text):
        raise OptionError(f"{option} must be numbers with commas between them")
    return tuple(int(word) for word in text.split(",") if text)


def _passcode(args: argparse.Namespace) -> str:
    if args.passcode_file is not None:
        try:
            with args.passcode_file.open(encoding="utf-8") as file:
                return str(file.read(MAX_PASSCODE_FILE_BYTES).partition("\n")[0].strip())
        except (OSError, UnicodeDecodeError):
            raise OptionError("--passcode-file cannot be read") from None
    if args.passcode_prompt:
        return getpass.getpass("Passcode: ").strip()
    return (take_secret(PASSCODE_VARIABLE) or "").strip()


def _print(reports: list[CallReport], is_json: bool) -> None:
    if is_json:
        document = {"calls": [report.to_dict() for report in reports], "summary": summary(reports)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for index, report in enumerate(reports, 1):
        head = f"call {index}: " if len(reports) > 1 else ""
        print("\n".join([head + report.lines()[0], *report.lines()[1:]]))
