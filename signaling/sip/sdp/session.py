"""A session description (RFC 8866) as a value; parse and serialize are inverse for what peers send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    _by_name: Mapping[str, list[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", _indexed(self.attributes))

    def value(self, name: str) -> str | None:
        """The first attribute of this name, "" where it has no value, None where it is absent."""
        found = self._by_name.get(name)
        return found[0] if found else None

    def values(self, name: str) -> Sequence[str]:
        """All values of an attribute."""
        return self._by_name.get(name, ())

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
        return next((value or "" for key, value in self.attributes if key == name), None)

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


@dataclass(slots=True)
class _Section:
    """What stands before the first m= line, or from one to the next."""

    media: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    bandwidths: list[tuple[str, int]] = field(default_factory=list)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def connection(self) -> str | None:
        """The address of the first c= line; a TTL behind a multicast address is cut off."""
        line = self.fields.get("c")
        if line is None:
            return None
        parts = line.split()
        if len(parts) != 3 or parts[0] != "IN" or parts[1] not in ("IP4", "IP6"):
            raise SdpError("Malformed SDP: c-line")
        return parts[2].partition("/")[0]


def parse(data: bytes) -> SessionDescription:
    """Read a description; lines that do not matter for media (i, u, e, p, r, z, k) are skipped. Raises SdpError."""
    lines = _lines(data)
    if lines[0] != "v=0":
        raise SdpError("Malformed SDP: no v=0")
    head, *media = _sections(lines)
    if len(media) > MAX_MEDIA:
        raise SdpError("Malformed SDP: too many m-lines")
    return SessionDescription(
        origin=_parse_origin(head.fields.get("o", "")),
        media=tuple(map(_parse_media, media)),
        name=head.fields.get("s") or "-",
        connection=head.connection,
        bandwidths=tuple(head.bandwidths),
        timing=head.fields.get("t", "0 0"),
        attributes=tuple(head.attributes),
    )


def _lines(data: bytes) -> list[str]:
    if len(data) > MAX_SDP_BYTES:
        raise SdpError("SDP too large")
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").rstrip("\n")
    if "\0" in text or "\r" in text:
        raise SdpError("Malformed SDP")
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise SdpError("Too many SDP lines")
    return lines


def _sections(lines: list[str]) -> list[_Section]:
    section = _Section()
    sections = [section]
    for line in lines:
        kind, equals, text = line.partition("=")
        if not equals or len(kind) != 1:
            raise SdpError("Malformed SDP line")
        if kind == "a":
            name, colon, value = text.partition(":")
            section.attributes.append((name.strip(), value.strip() if colon else None))
        elif kind == "m":
            section = _Section(text)
            sections.append(section)
        elif kind == "b":
            section.bandwidths += _bandwidth(text)
        else:
            section.fields.setdefault(kind, text)
    return sections


def _parse_origin(value: str) -> Origin:
    parts = value.split(" ")
    if len(parts) != 6 or parts[3] != "IN" or not all(parts):
        raise SdpError("Malformed SDP: o-line")
    return Origin(parts[0], parts[1], parts[2], parts[5])


def _parse_media(section: _Section) -> MediaDescription:
    parts = section.media.split()
    if len(parts) < 4:
        raise SdpError("Malformed SDP: m-line")
    port, slash, count = parts[1].partition("/")
    return MediaDescription(
        media=parts[0].lower(),
        port=_number(port, 65535),
        protocol=parts[2].upper(),
        formats=tuple(parts[3:]),
        connection=section.connection,
        bandwidths=tuple(section.bandwidths),
        attributes=tuple(section.attributes),
        port_count=_number(count, 65535) if slash else 1,
    )


def _bandwidth(text: str) -> list[tuple[str, int]]:
    """A b= line; none for one that is no number."""
    name, colon, number = text.partition(":")
    number = number.strip(" \t")
    is_number = colon and number.isascii() and number.isdigit() and len(number) < 12
    return [(name.upper(), int(number))] if is_number else []


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 6 or int(text) > most:
        raise SdpError("Malformed SDP: number")
    return int(text)


def _indexed(attributes: Attributes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in attributes:
        if name in found:
            found[name].append(value or "")
        else:
            found[name] = [value or ""]
    return found


def _net_type(address: str) -> str:
    return f"IN IP{6 if ':' in address else 4} {address}"


def _section(connection: str | None, bandwidths: tuple[tuple[str, int], ...]) -> list[str]:
    lines = [f"c={_net_type(connection)}"] if connection else []
    return lines + [f"b={name}:{value}" for name, value in bandwidths]


def _attribute_lines(attributes: Attributes) -> list[str]:
    return [f"a={name}" if value is None else f"a={name}:{value}" for name, value in attributes]
