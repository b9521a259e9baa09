"""The gate's question to the network: does it know who calls (IEEE 802.1X)."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from signaling.call_request import CallRequest
from signaling.faces import RoomSource
from signaling.network_access import Approach, NetworkAccess, Proof, names
from signaling.refusal import Refusal, Refused


class NetworkCheck:
    """Part of signaling.admission.Gate; without `access` nobody is asked."""

    def __init__(self, access: NetworkAccess | None, rooms: RoomSource) -> None:
        self._access = access
        self._rooms = rooms

    @property
    def is_on(self) -> bool:
        """Whether anybody is asked."""
        return self._access is not None

    async def check(self, request: CallRequest, room: str | None = None) -> CallRequest:
        """Before anything else: who is not on the network guesses no passcode either. Raises Refused, StoreError.

        `room`: its number, where that is known. The request comes back with whom the network knows there.
        """
        if self._access is None or (request.is_invited and not _is_address(request.source)):
            return request
        # What was dialled may hold a passcode without its mark: the audit names rooms that there are.
        if room is None:
            found = await self._rooms.find(request.room) if request.room else None
            room = "" if found is None else found.number
        known = await self._access.ask(_approach(request, room))
        if not known.is_allowed:
            raise Refused(Refusal.NETWORK)
        return replace(request, network_identity=known.identity)


def _approach(request: CallRequest, room: str) -> Approach:
    operation = "invite" if request.is_invited else "join" if request.protocol == "webrtc" else "call"
    return Approach(
        source=request.source,
        protocol=request.protocol,
        aliases=names(*request.claimed, request.identity),
        local=request.local,
        proof=Proof.INVITED if request.is_invited else request.proof,
        operation=operation,
        room=room,
        typed_name=request.name if request.protocol == "webrtc" and not request.identity else "",
    )


def _is_address(host: str) -> bool:
    """Whom we call may be a name; then its address is not known before it is called."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
