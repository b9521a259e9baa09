"""Several terminals of one process: one programme, a report each; over SIP one user agent for all."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

from caller.errors import OptionError
from caller.h323.terminal import H323Terminal
from caller.media import Programme, make_programme, make_slides
from caller.options import FLASH, NOTHING, TEST, CallOptions, check
from caller.report import CallReport
from caller.session import MediaSession
from caller.terminal import Terminal
from config.media import LocalAddress
from config.sip import SipSettings
from signaling.sip.transport.tls import TlsContexts, client_context
from signaling.sip.ua import UserAgent

SPACING_S = 0.02
"""Between the first messages of several callers."""
FILE_HEAD_S = 60.0
"""A file that shows nothing after this time is given up."""


class Caller(Protocol):
    """One terminal."""

    async def run(self, stop: asyncio.Event) -> CallReport:
        """Call, until the time is up or `stop` is set."""


MakeCaller = Callable[[CallOptions, MediaSession], Caller]


async def place_call(
    options: CallOptions, stop: asyncio.Event | None = None, programme: Programme | None = None
) -> CallReport:  # fmt: skip
    """One call. Raises OptionError, OSError."""
    return (await place_calls(replace(options, count=1), stop, programme))[0]


async def place_calls(
    options: CallOptions, stop: asyncio.Event | None = None, programme: Programme | None = None
) -> list[CallReport]:  # fmt: skip
    """`options.count` calls at once, until their time is up or `stop` is set.

    A `programme` made before, of the same codecs, spares encoding one. Raises OptionError, OSError.
    """
    check(options)
    stop = stop or asyncio.Event()
    address = await asyncio.to_thread(_local_address, options)
    if programme is None:
        programme = await asyncio.to_thread(_ready_programme, options)
    slides = None
    if options.is_h323 and options.h323.slides and options.video is not None:
        slides = await asyncio.to_thread(make_slides, options)
    callers = _over_h323(address) if options.is_h323 else _over_sip(options, address)
    async with callers as make_caller, asyncio.TaskGroup() as group:
        tasks = []
        for index in range(options.count):
            own = replace(options, name=f"{options.name} {index + 1}") if options.count > 1 else options
            media = MediaSession(own, programme, address, slides)
            tasks.append(group.create_task(make_caller(own, media).run(stop)))
            await asyncio.sleep(SPACING_S if index + 1 < options.count else 0)
    return [task.result() for task in tasks]


@asynccontextmanager
async def _over_sip(options: CallOptions, address: str) -> AsyncIterator[MakeCaller]:
    try:
        tls = TlsContexts(client_context(str(options.authority or "")))
    except OSError as error:
        raise OptionError("--authority holds no certificate that can be read") from error
    ua = UserAgent(SipSettings(listen=(LocalAddress(address),), port=0, max_calls=options.count + 1), tls=tls)
    await ua.start()
    try:
        yield lambda own, media: Terminal(ua, own, media, address)
    finally:
        await ua.stop()


@asynccontextmanager
async def _over_h323(address: str) -> AsyncIterator[MakeCaller]:
    yield lambda own, media: H323Terminal(own, media, address)


def _ready_programme(options: CallOptions) -> Programme:
    """The programme with its first seconds encoded; of a test pattern all of it."""
    programme = make_programme(options)
    if options.play in (TEST, FLASH, NOTHING):
        return programme
    for _ in range(int(FILE_HEAD_S * 20)):
        if programme.wait(0.05) or programme.duration_s > 2:
            break
    if programme.duration_s == 0:
        raise OptionError("--play: the file holds nothing that can be played")
    return programme


def _local_address(options: CallOptions) -> str:
    """The address from which the host is reached: that of a connected socket, which sends nothing."""
    host, port = options.place()
    try:
        host = str(ipaddress.ip_address(host))
    except ValueError:
        try:
            host = str(socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4][0])
        except OSError as error:
            raise OptionError("the host of the address is not known") from error
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((host, port))
        return str(probe.getsockname()[0])
