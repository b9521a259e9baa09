"""SIP, SIPS and tel URIs, and the name-addr form around them (RFC 3261 19.1 and 20.10, RFC 3966)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from signaling.errors import MalformedMessage
from signaling.sip.wire.memory import remembered

Params = tuple[tuple[str, str | None], ...]

# What most headers look like; understood in one go.
_PLAIN = re.compile(r"<([^<>\"\s]+)>(?:;tag=([A-Za-z0-9_.!%*+~-]+))?")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+(?:%[\w.]+)?\]|[A-Za-z0-9_.\-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_TEL = re.compile(r"\+?[0-9A-Fa-f*#().\-]+")
_CONTROL = re.compile(r"[\x00-\x20\x7f<>\"]")
# A quote that is never closed takes the rest: looking for its end again and again would take quadratic time.
_PART = re.compile(r'(?:[^;"]++|"(?:[^"\\]|\\.)*+"?)++', re.DOTALL)
_NEEDS_QUOTES = re.compile(r"[\s;,\"\\<>=]")
_ESCAPED = re.compile(r"\\(.)")
_EMPTY_PARAM = re.compile(r";\s*;")
_USER_SAFE = "-_.!~*'()&=+$,;?/#"  # '#' is not in the grammar; dialled strings carry it and peers send it bare


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI. `host` is without brackets; a tel: URI has its number in `user` and no host."""

    scheme: str
    user: str
    host: str
    port: int | None = None
    params: Params = ()
    headers: str = ""

    def param(self, name: str) -> str | None:
        """The value of a parameter, "" where it has none, None where it is absent."""
        return param_value(self.params, name)

    def serialize(self) -> str:
        """The URI in text."""
        if self.scheme not in ("sip", "sips", "tel"):
            return f"{self.scheme}:{self.user}"
        if self.scheme == "tel":
            return f"tel:{self.user}{format_params(self.params)}"
        user = self.user
        if user and not (user.isascii() and user.isalnum()):
            user = quote(user, safe=_USER_SAFE, errors="surrogateescape")
        at = "@" if user else ""
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{at}{format_host_port(self.host, self.port)}{format_params(self.params)}{headers}"

    def secured(self) -> Uri:
        """The same address as sips:, where TLS goes without saying (RFC 5630 5.1.1)."""
        return replace(self, scheme="sips", params=tuple(item for item in self.params if item[0] != "transport"))

    def without_passcode(self) -> Uri:
        """The same URI with everything from `**` on cut off the user part, for logs and stored dialogs."""
        return replace(self, user=self.user.partition("**")[0]) if "**" in self.user else self


@dataclass(frozen=True, slots=True)
class NameAddr:
    """From, To, Contact, Route: a URI with a display name and header parameters."""

    uri: Uri
    display_name: str = ""
    params: Params = ()
    tag: str = field(init=False, repr=False, compare=False)
    """The dialog tag, "" where there is none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tag", self.param("tag") or "")

    def param(self, name: str) -> str | None:
        """The value of a header parameter, "" where it has none, None where it is absent."""
        return param_value(self.params, name)

    def with_tag(self, tag: str) -> NameAddr:
        """The same address with this tag."""
        kept = [item for item in self.params if item[0] != "tag"]
        return NameAddr(self.uri, self.display_name, (*kept, ("tag", tag)))

    def serialize(self) -> str:
        """The value as it stands in a header."""
        name = ""
        if self.display_name:
            name = '"' + self.display_name.replace("\\", "\\\\").replace('"', '\\"') + '" '
        return f"{name}<{self.uri.serialize()}>{format_params(self.params)}"


@remembered
def parse_uri(text: str) -> Uri:
    """A URI of any scheme that we answer for. Raises MalformedMessage; 416 for another scheme."""
    scheme, colon, rest = text.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme) or _CONTROL.search(text):
        raise MalformedMessage("Malformed URI")
    scheme = scheme.lower()
    if scheme == "tel":
        return _parse_tel(rest)
    if scheme not in ("sip", "sips"):
        raise MalformedMessage("Unsupported URI Scheme", 416)
    rest, _, headers = _split_headers(rest)
    user, at, where = rest.rpartition("@")
    if at and not user:
        raise MalformedMessage("Malformed URI")
    host_port, _, params = where.partition(";")
    host, port = parse_host_port(host_port)
    # A password in a URI (RFC 3261 19.1.1) is dropped, never kept.
    return Uri(
        scheme, unquote(user.partition(":")[0], errors="surrogateescape"), host, port, parse_params(params), headers
    )


@remembered
def parse_name_addr(text: str) -> NameAddr:
    """A header value with or without angle brackets (RFC 3261 20.10). Raises MalformedMessage."""
    if (plain := _PLAIN.fullmatch(text)) is not None:
        address, tag = plain.groups()
        return NameAddr(_parse_any(address), "", (("tag", tag),) if tag else ())
    text = text.strip()
    name, rest = _split_display_name(text)
    if rest.startswith("<"):
        inner, closing, tail = rest[1:].partition(">")
        tail = tail.strip()
        if not closing or (tail and not tail.startswith(";")):
            raise MalformedMessage("Malformed name-addr")
        return NameAddr(_parse_any(inner.strip()), name, parse_params(tail[1:]))
    if name:
        raise MalformedMessage("Malformed name-addr")
    # Without brackets all parameters belong to the header, not to the URI.
    address, _, params = rest.partition(";")
    uri = _parse_any(address.strip())
    if uri.headers:  # RFC 3261 20.10: such a URI has to stand in brackets
        raise MalformedMessage("Malformed name-addr")
    return NameAddr(uri, "", parse_params(params))


def _parse_any(text: str) -> Uri:
    """A URI of any scheme: one that we do not know is kept as it is, in `user` (RFC 4475 3.3.4)."""
    try:
        return parse_uri(text)
    except MalformedMessage as error:
        if error.status != 416:
            raise
    scheme, _, rest = text.partition(":")
    return Uri(scheme.lower(), rest, "")


def parse_host_port(text: str) -> tuple[str, int | None]:
    """`host`, `host:port` or `[v6]:port`. Raises MalformedMessage."""
    found = _HOST.match(text.strip())
    if not found:
        raise MalformedMessage("Malformed host")
    rest = text.strip()[found.end() :].strip()
    host = found.group().strip("[]")
    if not rest:
        return host, None
    port = rest[1:].strip()
    is_number = port.isascii() and port.isdigit() and len(port) < 10
    if not rest.startswith(":") or not is_number or not 0 < int(port) < 65536:
        raise MalformedMessage("Malformed port")
    return host, int(port)


def parse_params(text: str) -> Params:
    """`;name=value` parameters; names lower-case, quotes taken off. Raises MalformedMessage."""
    if not text:
        return ()
    items: list[tuple[str, str | None]] = []
    if has_empty_param(text):
        raise MalformedMessage("Malformed parameter")
    for part in _PART.findall(text) if '"' in text else text.split(";"):
        name, equals, value = part.partition("=")
        name, value = name.strip().lower(), value.strip()
        if not name:
            if equals:
                raise MalformedMessage("Malformed parameter")
            continue  # a semicolon at the end
        if value[:1] == '"' and value[-1:] == '"' and len(value) >= 2:
            value = _ESCAPED.sub(r"\1", value[1:-1])
        items.append((name, value if equals else None))
    return tuple(items)


def has_empty_param(text: str) -> bool:
    """Whether there is nothing between two semicolons (RFC 4475 3.1.2.1); not looked for where there are quotes."""
    return ";" in text and '"' not in text and bool(_EMPTY_PARAM.search(text))


def param_value(params: Params, name: str) -> str | None:
    """See Uri.param."""
    for key, value in params:
        if key == name:
            return value or ""
    return None


def format_params(params: Params) -> str:
    """The parameters in text, each with its semicolon."""
    parts = []
    for name, value in params:
        if value is None:
            parts.append(f";{name}")
        elif not value or _NEEDS_QUOTES.search(value):
            parts.append(f';{name}="' + value.replace("\\", "\\\\").replace('"', '\\"') + '"')
        else:
            parts.append(f";{name}={value}")
    return "".join(parts)


def format_host_port(host: str, port: int | None) -> str:
    """`host:port` with brackets around an IPv6 address."""
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port is not None else name


def _parse_tel(rest: str) -> Uri:
    number, _, params = rest.partition(";")
    if not _TEL.fullmatch(number):
        raise MalformedMessage("Malformed telephone number")
    return Uri("tel", number, "", None, parse_params(params))


def _split_headers(rest: str) -> tuple[str, str, str]:
    """A "?" inside the user part is legal, so only one behind the host counts."""
    at = rest.rfind("@")
    head, mark, headers = rest[at + 1 :].partition("?")
    return rest[: at + 1] + head, mark, headers


def _split_display_name(text: str) -> tuple[str, str]:
    if text.startswith('"'):
        found = re.match(r'"((?:[^"\\]|\\.)*)"\s*', text, re.DOTALL)
        if not found:
            raise MalformedMessage("Malformed display name")
        return re.sub(r"\\(.)", r"\1", found.group(1)), text[found.end() :]
    name, bracket, rest = text.partition("<")
    return (name.strip(), bracket + rest) if bracket else ("", text)
