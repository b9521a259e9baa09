"""The administrator of this machine: who reaches the socket in the data directory needs no password."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from collections.abc import Collection

from aiohttp import web

from portal.principal import Principal
from portal.roles import Role

BY_SOCKET = "local-socket"
"""How such a principal signed in."""
_CREDENTIALS = struct.Struct("3i")
"""struct ucred of Linux (unix(7), SO_PEERCRED): process, user, group."""


def local_principal(request: web.Request) -> Principal | None:
    """Who asks over the socket, when that is root or the user of the server itself; None for everybody else."""
    transport = request.transport
    end = transport.get_extra_info("socket") if transport is not None else None
    if end is None or end.family != socket.AF_UNIX:
        return None
    return principal_of_user(_user_of(end), {0, os.geteuid()})


def principal_of_user(user: int, trusted: Collection[int]) -> Principal | None:
    """One with all roles for a trusted user of this machine."""
    if user not in trusted:
        return None
    return Principal(0, f"{_name_of(user)} (local)", frozenset(Role), 0, BY_SOCKET, "local")


def _user_of(end: socket.socket) -> int:
    _process, user, _group = _CREDENTIALS.unpack(
        end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return int(user)


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
