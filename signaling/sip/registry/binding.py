"""One registered contact of a terminal (RFC 3261 10.3, RFC 5626 4.2), and how it is kept over a restart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec

from signaling.sip.transactions.transaction import Flow


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a terminal is reached. Only `flow` says where it is: `uri` is what the terminal wrote."""

    alias: str
    uri: str
    """The Contact, as it stands in the request line of requests to the terminal."""
    flow: Flow
    """The transport addresses, and the connection, that the REGISTER came over."""
    path: tuple[str, ...]
    """Proxies on the way to the terminal, nearest to us first (RFC 3327): the route set of requests to it."""
    is_direct: bool
    """No proxy stood in between, so that the flow belongs to this terminal alone."""
    instance: str
    """+sip.instance, "" where there is none."""
    reg_id: int
    """reg-id of RFC 5626, 0 where the terminal does not manage flows."""
    q: float
    """Preference, 0 to 1."""
    call_id: str
    cseq: int
    registered_at: float
    """First seen; seconds UTC."""
    refreshed_at: float
    expires_at: float
    user_agent: str

    @property
    def key(self) -> str:
        """The same for every REGISTER that means this contact (RFC 5626 6: instance and reg-id, else the URI)."""
        return binding_key(self.alias, self.uri, self.instance, self.reg_id)

    @property
    def received(self) -> tuple[str, int]:
        """The transport address that the REGISTER came from."""
        return self.flow.remote

    @property
    def data(self) -> str:
        """All of it, for the database."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def parse(cls, data: bytes | str) -> Binding:
        """What `data` was; connections of before do not exist any more. Raises msgspec.MsgspecError."""
        found = msgspec.json.decode(data, type=cls)
        return replace(found, flow=replace(found.flow, connection=0))


@lru_cache(4096)
def binding_key(alias: str, uri: str, instance: str, reg_id: int) -> str:
    """See Binding.key; 32 hex digits."""
    what = f"{instance}\0{reg_id}" if instance and reg_id else uri
    return hashlib.sha256(f"{alias}\0{what}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
