"""A session description (RFC 8866) as a value; parse and serialize are inverse for what peers send."""

from __future__ import annotations

from dataclasses import dataclass, field

from signaling.errors import SdpError

MAX_SDP_BYTES = 32_768
MAX_LINES = 1000
MAX_MEDIA = 16

Attributes = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """The o= line."""

    username: str
    session_id: str
    version: str
    address: str

    def serialize(self) -> str:
        """The value of the line."""
        return f"{self.username} {self.session_id} {self.version} {_net_type(self.address)}"


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m= line and what follows it."""

    media: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    connection: str | None = None
    """Address of an own c= line."""
    bandwidths: tuple[tuple[str, int], ...] = ()
    attributes: Attributes = field(default=(), repr=False)
    port_count: int = 1

    def value(self, name: str) -> str | None:
        """The first attribute of this name, "" where it has no value, None where it is absent."""
        return _value(self.attributes, name)

    def values(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [value or "" for key, value in self.attributes if key == name]

    @property
    def label(self) -> str:
        """What makes an m-line comparable: media and protocol, for logs."""
        return f"{self.media} {self.protocol}"


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description."""

    origin: Origin
    media: tuple[MediaDescription, ...] = ()
    name: str = "-"
    connection: str | None = None
    bandwidths: tuple[tuple[str, int], ...] = ()
    timing: str = "0 0"
    attributes: Attributes = field(default=(), repr=False)

    def value(self, name: str) -> str | None:
        """The first session-level attribute of this name; see MediaDescription.value."""
        return _value(self.attributes, name)

    def address_of(self, media: MediaDescription) -> str:
        """Where media of this m-line goes; its own c= line counts first (RFC 8866 5.7)."""
        return media.connection or self.connection or ""

    def serialize(self) -> bytes:
        """The description in text, CRLF after every line."""
        lines = ["v=0", f"o={self.origin.serialize()}", f"s={self.name}"]
        lines += _section(self.connection, self.bandwidths)
        lines.append(f"t={self.timing}")
        lines += _attribute_lines(self.attributes)
        for media in self.media:
            count = f"/{media.port_count}" if media.port_count != 1 else ""
            lines.append(f"m={media.media} {media.port}{count} {media.protocol} {' '.join(media.formats)}")
            lines += _section(media.connection, media.bandwidths)
            lines += _attribute_lines(media.attributes)
        return "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape")


def parse(data: bytes) -> SessionDescription:
    """Read a description; lines that do not matter for media (i, u, e, p, r, z, k) are skipped. Raises SdpError."""
    lines = _lines(data)
    if not lines or lines[0] != ("v", "0"):
        raise SdpError("Malformed SDP: no v=0")
    starts = [index for index, (kind, _) in enumerate(lines) if kind == "m"]
    if len(starts) > MAX_MEDIA:
        raise SdpError("Malformed SDP: too many m-lines")
    ends = [*starts, len(lines)]
    head = lines[1 : ends[0]]
    sections = [lines[start:end] for start, end in zip(starts, ends[1:], strict=True)]
    fields = dict(reversed(head))
    return SessionDescription(
        origin=_parse_origin(fields.get("o", "")),
        media=tuple(_parse_media(section) for section in sections),
        name=fields.get("s") or "-",
        connection=_parse_connection(head),
        bandwidths=_parse_bandwidths(head),
        timing=fields.get("t", "0 0"),
        attributes=_parse_attributes(head),
    )


def _lines(data: bytes) -> list[tuple[str, str]]:
    if len(data) > MAX_SDP_BYTES:
        raise SdpError("SDP too large")
    text = data.decode("utf-8", "surrogateescape")
    if "\0" in text:
        raise SdpError("Malformed SDP")
    lines = []
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        if len(line) < 2 or line[1] != "=" or "\r" in line:
            raise SdpError("Malformed SDP line")
        lines.append((line[0], line[2:]))
    if len(lines) > MAX_LINES:
        raise SdpError("Too many SDP lines")
    return lines


def _parse_origin(value: str) -> Origin:
    parts = value.split(" ")
    if len(parts) != 6 or parts[3] != "IN" or not all(parts):
        raise SdpError("Malformed SDP: o-line")
    return Origin(parts[0], parts[1], parts[2], parts[5])


def _parse_media(lines: list[tuple[str, str]]) -> MediaDescription:
    parts = lines[0][1].split()
    if len(parts) < 4:
        raise SdpError("Malformed SDP: m-line")
    port, slash, count = parts[1].partition("/")
    number = _number(port, 65535)
    rest = lines[1:]
    return MediaDescription(
        media=parts[0].lower(),
        port=number,
        protocol=parts[2].upper(),
        formats=tuple(parts[3:]),
        connection=_parse_connection(rest),
        bandwidths=_parse_bandwidths(rest),
        attributes=_parse_attributes(rest),
        port_count=_number(count, 65535) if slash else 1,
    )


def _parse_connection(lines: list[tuple[str, str]]) -> str | None:
    """The first c= line; a TTL behind a multicast address is cut off."""
    for kind, value in lines:
        if kind == "c":
            parts = value.split()
            if len(parts) != 3 or parts[0] != "IN" or parts[1] not in ("IP4", "IP6"):
                raise SdpError("Malformed SDP: c-line")
            return parts[2].partition("/")[0]
    return None


def _parse_bandwidths(lines: list[tuple[str, str]]) -> tuple[tuple[str, int], ...]:
    found = []
    for kind, value in lines:
        name, colon, number = value.partition(":")
        number = number.strip(" \t")
        if kind == "b" and colon and number.isascii() and number.isdigit() and len(number) < 12:
            found.append((name.upper(), int(number)))
    return tuple(found)


def _parse_attributes(lines: list[tuple[str, str]]) -> Attributes:
    found: list[tuple[str, str | None]] = []
    for kind, text in lines:
        if kind == "a":
            name, colon, value = text.partition(":")
            found.append((name.strip(), value.strip() if colon else None))
    return tuple(found)


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 6 or int(text) > most:
        raise SdpError("Malformed SDP: number")
    return int(text)


def _value(attributes: Attributes, name: str) -> str | None:
    return next((value or "" for key, value in attributes if key == name), None)


def _net_type(address: str) -> str:
    return f"IN IP{6 if ':' in address else 4} {address}"


def _section(connection: str | None, bandwidths: tuple[tuple[str, int], ...]) -> list[str]:
    lines = [f"c={_net_type(connection)}"] if connection else []
    return lines + [f"b={name}:{value}" for name, value in bandwidths]


def _attribute_lines(attributes: Attributes) -> list[str]:
    return [f"a={name}" if value is None else f"a={name}:{value}" for name, value in attributes]
