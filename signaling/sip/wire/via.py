"""The Via header and where a response goes (RFC 3261 18.2.2, RFC 3581)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from signaling.errors import MalformedMessage
from signaling.sip.wire.memory import remembered
from signaling.sip.wire.uri import Params, format_host_port, format_params, param_value, parse_host_port, parse_params

_EMPTY_PARAMS = re.compile(r";(?:\s*;)+")
MAGIC_COOKIE = "z9hG4bK"
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
        asked = param_value(self.params, "rport") is not None or _is_hidden(self.host, host)
        kept = tuple(item for item in self.params if item[0] not in ("received", "rport"))
        if asked:
            kept = (*kept, ("rport", str(port)), ("received", host))
        elif host != self.host:
            kept = (*kept, ("received", host))
        return Via(self.transport, self.host, self.port, kept, self.version)

    def response_address(self) -> tuple[str, int]:
        """Where a response over an unreliable transport goes; the Via was stamped before."""
        host = (param_value(self.params, "received") or self.host).strip(
            "[]"
        )  # brackets are no part of it: RFC 5118 4.5
        rport = param_value(self.params, "rport") or ""
        return host, int(rport) if rport.isdigit() else (self.port or 5060)

    def serialize(self) -> str:
        """The value as it stands in the header."""
        return (
            f"SIP/{self.version}/{self.transport} {format_host_port(self.host, self.port)}{format_params(self.params)}"
        )


def _is_hidden(written: str, source: str) -> bool:
    """Whether a private address was written into a packet that came from another one."""
    if written == source:
        return False
    try:
        claimed = ipaddress.ip_address(written)
        return claimed.is_private and claimed != ipaddress.ip_address(source)
    except ValueError:
        return False


@remembered
def parse_via(text: str) -> Via:
    """One Via value. Raises MalformedMessage."""
    found = _VIA.fullmatch(text)
    if not found:
        raise MalformedMessage("Malformed Via")
    host, port = parse_host_port(found.group(3))
    # One with empty parameters is refused (validate), but the refusal has to find its way.
    params = parse_params(_EMPTY_PARAMS.sub(";", found.group(4)))
    return Via(found.group(2).upper(), host, port, params, found.group(1))
