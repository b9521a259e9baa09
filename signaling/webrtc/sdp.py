"""Session descriptions as lines (RFC 8866), read within bounds; no meaning is given to them here."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.webrtc.errors import SdpError

MAX_LINES = 1500
MAX_LINE_CHARACTERS = 2048
MAX_SECTIONS = 8
MAX_FORMATS = 64

Attribute = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """One m-line and its attributes (RFC 8866 5.14)."""

    kind: str
    port: int
    protocol: str
    payload_types: tuple[int, ...]
    attributes: tuple[Attribute, ...]

    @property
    def is_rejected(self) -> bool:
        """Port 0 says no (RFC 3264 6), except for a bundled m-line of an offer, which an answer never has."""
        return self.port == 0

    def first(self, name: str) -> str | None:
        """The value of the first `a=name:value`, "" for a bare `a=name`, None where there is none."""
        return first(self.attributes, name)

    def every(self, name: str) -> list[str]:
        """The values of all `a=name` lines, in order."""
        return [value for key, value in self.attributes if key == name]

    @property
    def direction(self) -> str:
        """The direction of the m-line; sendrecv is the default (RFC 8866 6.7)."""
        names = ("sendrecv", "sendonly", "recvonly", "inactive")
        return next((key for key, _ in self.attributes if key in names), "sendrecv")

    def by_payload_type(self, name: str) -> dict[int, list[str]]:
        """`a=rtpmap:111 opus/48000/2` and its like: payload type -> values; "*" is number -1."""
        found: dict[int, list[str]] = {}
        for value in self.every(name):
            head, _, rest = value.partition(" ")
            if head == "*" or (head.isascii() and head.isdigit()):
                found.setdefault(-1 if head == "*" else int(head[:4]), []).append(rest.strip())
        return found


@dataclass(frozen=True, slots=True)
class Description:
    """A whole session description."""

    attributes: tuple[Attribute, ...]
    sections: tuple[Section, ...]


def first(attributes: tuple[Attribute, ...], name: str) -> str | None:
    """The value of the first attribute called `name`."""
    return next((value for key, value in attributes if key == name), None)


def parse(text: str) -> Description:
    """Read a session description. Raises SdpError when it is beyond the bounds or has no shape."""
    lines = text.split("\n", MAX_LINES + 1)
    if len(lines) > MAX_LINES:
        raise SdpError("bad-answer", "too many lines")
    session: list[Attribute] = []
    current = session
    heads: list[tuple[str, list[Attribute]]] = []
    for line in (line.rstrip("\r") for line in lines):
        if len(line) > MAX_LINE_CHARACTERS:
            raise SdpError("bad-answer", "a line is too long")
        if line.startswith("m="):
            current = []
            heads.append((line[2:], current))
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            current.append((name.strip(), value.strip()))
    if len(heads) > MAX_SECTIONS:
        raise SdpError("bad-answer", "too many m-lines")
    return Description(tuple(session), tuple(_section(head, tuple(attributes)) for head, attributes in heads))


def parse_parameters(fmtp: str) -> dict[str, str]:
    """`level-asymmetry-allowed=1;packetization-mode=1` as a table; names in lower case."""
    pairs = (item.partition("=") for item in fmtp.split(";")[:32])
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def _section(head: str, attributes: tuple[Attribute, ...]) -> Section:
    words = head.split()
    if len(words) < 3 or len(words) > 3 + MAX_FORMATS:
        raise SdpError("bad-answer", "an m-line has no shape")
    port = words[1].partition("/")[0]
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise SdpError("bad-answer", "an m-line has no port")
    formats = tuple(int(word) for word in words[3:] if word.isascii() and word.isdigit() and len(word) <= 3)
    return Section(words[0], int(port), words[2], formats, attributes)
