"""The Via header and where a response goes (RFC 3261 18.2.2, RFC 3581)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from signaling.errors import MalformedMessage
from signaling.sip.wire.uri import Params, format_host_port, format_params, param_value, parse_host_port, parse_params

_EMPTY_PARAMS = re.compile(r";(?:\s*;)+")
MAGIC_COOKIE = "z9hG4bK"
_STAMPS = ("received", "rport")
# What nearly all write; understood in one go.
_PLAIN = re.compile(
    r"SIP/2\.0/(UDP|TCP|TLS) ([A-Za-z0-9.-]+)(?::(\d{1,5}))?((?:;[A-Za-z0-9_.!%*+~-]+(?:=[A-Za-z0-9_.!%*+~-]+)?)*)"
)
_VIA = re.compile(r"\s*SIP\s*/\s*(\d+\.\d+)\s*/\s*([!%'*+.\w`~-]+)\s+([^;]+)(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop that a request took."""

    transport: str
    host: str
    port: int | None
    params: Params = ()
    version: str = "2.0"

    @property
    def branch(self) -> str:
        """The transaction id of that hop."""
        return param_value(self.params, "branch") or ""

    @property
    def sent_by(self) -> str:
        """Host and port as the sender wrote them, for matching."""
        return f"{self.host.lower()}:{self.port or 5060}"

    def stamped(self, host: str, port: int) -> Via:
        """With `received` and `rport` filled in from the source of the request (RFC 3581 4).

        A terminal behind a NAT that knows no rport gets it all the same: its own port would lead nowhere.
        """
        kept = tuple([item for item in self.params if item[0] not in _STAMPS])
        if param_value(self.params, "rport") is not None or _is_hidden(self.host, host):
            kept = (*kept, ("rport", str(port)), ("received", host))
        elif host != self.host:
            kept = (*kept, ("received", host))
        return Via(self.transport, self.host, self.port, kept, self.version)

    def response_address(self) -> tuple[str, int]:
        """Where a response over an unreliable transport goes; the Via was stamped before."""
        # Brackets are no part of it: RFC 5118 4.5.
        host = (param_value(self.params, "received") or self.host).strip("[]")
        rport = param_value(self.params, "rport") or ""
        return host, int(rport) if rport.isdigit() else (self.port or 5060)

    def serialize(self) -> str:
        """The value as it stands in the header."""
        where = format_host_port(self.host, self.port)
        return f"SIP/{self.version}/{self.transport} {where}{format_params(self.params)}"


def stamped_text(text: str, host: str, port: int) -> str | None:
    """The same as Via.stamped() for the value that nearly all send: plain, with an empty `rport`. None for another."""
    is_plain = "received" not in text and '"' not in text and "," not in text
    head, mark, tail = text.partition(";rport")
    if not is_plain or not mark or tail[:1] not in ("", ";") or ";rport" in tail:
        return None
    return f"{head}{tail};rport={port};received={host}"


def _is_hidden(written: str, source: str) -> bool:
    """Whether a private address was written into a packet that came from another one."""
    if written == source:
        return False
    try:
        claimed = ipaddress.ip_address(written)
        return claimed.is_private and claimed != ipaddress.ip_address(source)
    except ValueError:
        return False


def parse_via(text: str) -> Via:
    """One Via value. Raises MalformedMessage."""
    if (plain := _PLAIN.fullmatch(text)) is not None:
        transport, host, digits, params = plain.groups()
        port = int(digits) if digits else None
        if port is None or 0 < port < 65536:
            pairs = [part.partition("=") for part in params[1:].split(";")] if params else []
            return Via(
                transport,
                host,
                port,
                tuple([(name.lower(), value if equals else None) for name, equals, value in pairs]),
            )
    found = _VIA.fullmatch(text)
    if not found:
        raise MalformedMessage("Malformed Via")
    host, port = parse_host_port(found.group(3))
    # One with empty parameters is refused (validate), but the refusal has to find its way.
    params = parse_params(_EMPTY_PARAMS.sub(";", found.group(4)))
    return Via(found.group(2).upper(), host, port, params, found.group(1))
