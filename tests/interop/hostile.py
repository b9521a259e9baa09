"""Messages and packets that no honest peer sends, and a way to send them under anybody's address."""

from __future__ import annotations

import random
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.interop.namespace import SERVER, TERMINAL
from tests.interop.sniffer import Address

_SDP = f"v=0\r\no=- 1 1 IN IP4 {TERMINAL}\r\ns=-\r\nc=IN IP4 {TERMINAL}\r\nt=0 0\r\nm=audio 9000 RTP/AVP 8\r\n"


def request(
    number: str, method: str = "INVITE", *, uri: str = f"sip:1001@{SERVER}", version: str = "SIP/2.0", body: str = "",
    without: str = "", **headers: str,
) -> bytes:  # fmt: skip
    """A request with its faults: headers replaced (`Call_ID`), left out (`without`), or more of them."""
    fields = {
        "Via": f"SIP/2.0/UDP {TERMINAL}:PORT;branch=z9hG4bKh{number};rport",
        "From": f"<sip:h@{TERMINAL}>;tag=h{number}",
        "To": f"<sip:1001@{SERVER}>", "Call-ID": f"h{number}@{TERMINAL}", "CSeq": f"1 {method}", "Max-Forwards": "70",
        "Contact": f"<sip:h@{TERMINAL}:PORT>", "Content-Type": "application/sdp", "Content-Length": str(len(body)),
    }  # fmt: skip
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if name != without]
    return "\r\n".join([f"{method} {uri} {version}", *lines, "", body]).encode("latin-1", "replace")


def torture() -> dict[str, tuple[bytes, set[int]]]:
    """Requests in the spirit of RFC 4475 3.1.2 to 3.3, and the answers that are right; none where silence is.

    The attendant answers what can be understood with 200.
    """
    invite = request("whole", body=_SDP)
    start = b"INVITE sip:1001@" + SERVER.encode() + b" SIP/2.0"
    many = {f"X-Header-{index}": "x" for index in range(200)}
    return {
        "version 7.0": (request("v7", version="SIP/7.0"), {505}),
        "unknown method": (request("m1", "FROBNICATE"), {405, 501}),
        "known but not taken": (request("m2", "PUBLISH"), {405}),
        "method and CSeq differ": (request("c1", CSeq="1 BYE"), {400}),
        "CSeq too large": (request("c2", CSeq="36893488147419103232 INVITE"), {400}),
        "CSeq without number": (request("c3", CSeq="INVITE"), {400}),
        "no Call-ID": (request("i1", without="Call-ID"), {400}),
        "no From": (request("i2", without="From"), {400}),
        "two Tos": (request("i3", without="To") .replace(b"CSeq", b"To: <sip:a@b>\r\nTo: <sip:c@d>\r\nCSeq"), {400}),
        "no Contact": (request("i4", without="Contact"), {400}),
        "no Via": (request("i5", without="Via"), set()),
        "Via without host": (request("i6", Via="SIP/2.0/UDP ;;,;,,"), set()),
        "extension required": (request("r1", Require="nothingSupportsThis, norThis"), {420}),
        "scheme unknown": (request("u1", uri="nobodyKnowsThisScheme:totallyopaquecontent"), {416}),
        "URI in brackets": (request("u2", uri=f"<sip:1001@{SERVER}>"), {400}),
        "URI with header": (request("u3", uri=f"sip:1001@{SERVER}?Route=%3Csip:h%3E"), {400, 404, 403, 488}),
        "escaped NUL in the URI": (request("u4", uri=f"sip:10%0001@{SERVER}"), {400, 404}),
        "room of 40,000 characters": (request("u5", uri=f"sip:{'9' * 40_000}@{SERVER}"), {400, 404, 414, 513}),
        "Max-Forwards beyond": (request("f1", Max_Forwards="300"), {400, 483}),
        "Content-Length negative": (request("l1", Content_Length="-999"), {400}),
        "Content-Length beyond the datagram": (request("l2", body=_SDP, Content_Length="9999"), {400}),
        "other body": (request("b1", body="<xml/>", Content_Type="application/xml"), {415}),
        "packed body": (request("b2", body=_SDP, Content_Encoding="gzip"), {415}),
        "too many headers": (request("h1", **many), {400, 413, 513}),
        "header of 60,000 bytes": (request("h2", Subject="s" * 60_000), {200, 400, 413, 513}),
        "NUL inside": (request("n1", Subject="a\0b"), {400, 403, 404, 488}),
        "Latin-1 inside": (request("n2", From=f'"\xff\xfe" <sip:h@{TERMINAL}>;tag=n2'), {200, 400}),
        "unclosed quote": (request("n3", From=f'"Mr. J. <sip:h@{TERMINAL}>;tag=n3'), {400}),
        "dates and dots": (request("n4", Date="Fri, 01 Jan 2010 16:00:00 EST", Expires="0 0l@a.b"), {200, 400}),
        "BYE without a dialog": (request("d1", "BYE"), {481}),
        "CANCEL without an INVITE": (request("d2", "CANCEL"), {481}),
        "INFO without a dialog": (request("d3", "INFO"), {481}),
        "in a dialog that is none": (request("d4", To=f"<sip:1001@{SERVER}>;tag=nobody"), {481}),
        "ACK of nothing": (request("d5", "ACK"), set()),
        "stray response": (invite.replace(start, b"SIP/2.0 200 OK", 1), set()),
        "status 4294967301": (invite.replace(start, b"SIP/2.0 4294967301 no", 1), set()),
        "HTTP": (b"GET / HTTP/1.1\r\nHost: 10.77.0.1\r\n\r\n", set()),
        "JSON": (b'{"jsonrpc": "2.0", "method": "INVITE"}\r\n\r\n', set()),
        "TLS": (bytes.fromhex("160301020001") + bytes(200), set()),
        "blanks": (b"\r\n \t\r\n\r\n", set()),
        "colons": (b":" * 5000, set()),
    }  # fmt: skip


def hopeless_sdp() -> list[str]:
    """Bodies that are no offer that anybody could answer."""
    audio, srtp = "m=audio 9000 RTP/AVP 8\r\n", _SDP.replace("RTP/AVP 8", "RTP/SAVP 8")
    dtls = _SDP.replace("RTP/AVP 8", "UDP/TLS/RTP/SAVPF 8")
    return [
        "garbage",
        "v=1\r\n",
        "v=0\r\n" * 2000,
        "v=0\r\no=-\r\ns=-\r\nt=0 0\r\n" + audio,
        _SDP.replace("9000", "99999"),
        _SDP.replace("9000", "-1"),
        _SDP.replace("9000", "0"),
        _SDP.replace(" 8\r", "\r"),
        _SDP.replace("\r\n", "\r"),
        _SDP.replace("RTP/AVP 8", "TCP/MSRP *"),
        _SDP + "a=rtpmap:8 PCMA/0\r\n",
        _SDP + audio * 40,
        srtp,
        srtp + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%%%\r\n",
        srtp + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:short\r\n",
        dtls,
        dtls + "a=fingerprint:sha-256 00:11\r\na=setup:actpass\r\n",
    ]


def strange_sdp() -> list[str]:
    """Offers with faults that need not keep anybody from talking."""
    return [
        _SDP.replace(TERMINAL, "224.1.1.1"),
        _SDP.replace(TERMINAL, "999.1.2.3"),
        _SDP.replace(TERMINAL, "localhost"),
        _SDP.replace("AVP 8", "AVP 8 999 -1 x"),
        _SDP.replace("\r\n", "\n"),
        _SDP + "a=rtpmap:8\r\n",
        _SDP + "a=fmtp:8\r\n" * 500,
        _SDP + "a=crypto:1\r\n",
        _SDP + "m=video 9002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=zz\r\n",
        _SDP + "b=AS:99999999999999\r\n",
        _SDP + "a=" + "x" * 30_000 + "\r\n",
        _SDP + "m=application 9 UDP/BFCP *\r\n" * 3,
    ]


def garbage(count: int, seed: int = 1) -> Iterator[bytes]:
    """Datagrams that look like STUN, DTLS, RTP, RTCP or nothing (RFC 7983), of all lengths up to 1400 bytes."""
    chance = random.Random(seed)
    for _ in range(count):
        first = chance.choice((0, 1, 20, 22, 25, 64, 128, 128, 128, 129, 144, 191, 255))
        second = chance.choice((0, 8, 96, 101, 127, 200, 201, 205, 206, 254, 255))
        length = chance.choice((0, 1, 3, 10, 18, 26, 100, 170, 1198, 1398))
        yield bytes((first, second)) + chance.randbytes(length)


def rtp(payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    """An RTP packet (RFC 3550 5.1)."""
    return struct.pack("!BBHII", 0x80, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


class Forger:
    """Sends UDP under any source address and port."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, payload: bytes, source: Address, destination: Address) -> None:
        """One datagram; without a UDP checksum, which IPv4 allows."""
        udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
        ends = socket.inet_aton(source[0]) + socket.inet_aton(destination[0])
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0) + ends
        self._socket.sendto(ip + udp, (destination[0], 0))


def open_ports(process: int) -> list[int]:
    """The UDP ports of a process."""
    links = {str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir() if link.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return sorted(int(row[1].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in links)


def resident_kib(process: int) -> int:
    """VmRSS."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) if found else 0
