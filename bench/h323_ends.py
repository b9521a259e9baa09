"""The two ends of the calls of `bench h323`: signed by H.235.1, H.245 in the tunnel, all media encrypted by H.235.6.

`python -m bench.h323_ends answer GROUP` takes calls until it is ended; `... call GROUP PORT SECONDS` makes them, one
after the other on each of a few lines, and hangs up once sound and picture stand in both directions.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import signal
import sys
import time
from collections import Counter

from config.h323 import H323Settings
from crypto.h235.diffie_hellman import DH_1024, DH_4096, Group
from crypto.h235.password_key import PasswordKey
from drumtower import interpreter
from mcu.media import Kind, LegMedia
from signaling.h323.call.endpoint import LocalEndpoint
from signaling.h323.call.events import Released
from signaling.h323.call.setup import SetupRequest
from signaling.h323.call_handle import CallHandle
from signaling.h323.call_media.call_media import CallMedia
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.capabilities.own import OwnMedia
from signaling.h323.media_security import MediaSecurity
from signaling.h323.ras.address import Address
from signaling.h323.ras.admission import Account
from signaling.h323.ras.alias import Alias, AliasKind
from signaling.h323.signatures import Signatures
from signaling.h323.transport.call_signalling import CallSignalling

GROUPS: dict[str, Group] = {"1024": DH_1024, "4096": DH_4096}
ROOM, TERMINAL = "drumtower", "bench"
LINES = 4
_CALLED = (Alias(AliasKind.DIALLED_DIGITS, "777"),)
_ACCOUNT = Account(TERMINAL, PasswordKey.of("quiet-lantern-over-7-waters"))
_PORTS = {
    Kind.AUDIO: Ports(("127.0.0.1", 40_000), ("127.0.0.1", 40_001)),
    Kind.VIDEO: Ports(("127.0.0.1", 40_002), ("127.0.0.1", 40_003)),
}
logger = logging.getLogger(__name__)


class _Book:
    """Everybody is the one terminal."""

    def account_of(self, alias: str) -> Account | None:
        """Its account."""
        del alias
        return _ACCOUNT


class End:
    """Takes and makes calls under one name. `group` is the only one of which it has half keys."""

    def __init__(self, name: str, group: Group, *, is_mcu: bool) -> None:
        self.counters: Counter[str] = Counter()
        settings = H323Settings(
            signalling_port=0, authentication="known", gatekeeper_id=name, max_signalled_calls=1_000,
        )  # fmt: skip
        own = LocalEndpoint((Alias(AliasKind.H323_ID, name),), name, is_mcu=is_mcu)
        self._group = group
        self._signatures = Signatures(settings, _Book())
        self.signalling = CallSignalling(settings, self._came, own, self._signatures, self.counters)
        self._tasks: set[asyncio.Task[bool]] = set()

    async def call(self, address: Address, give_up_s: float = 15.0) -> bool:
        """One call; whether all its media stood. Raises OSError, TimeoutError."""
        security = MediaSecurity((self._group,))
        handle = await self.signalling.connect(address, called=_CALLED)
        media = self._media(handle, security)
        request = SetupRequest(_CALLED, tokens=tuple(security.offer()))
        handle.place(request, self.signalling.new_identity())
        try:
            async with asyncio.timeout(give_up_s):
                return await _follow(handle, media, hangs_up=True)
        finally:
            handle.release()

    def _came(self, handle: CallHandle) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(handle))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, handle: CallHandle) -> bool:
        assert handle.setup is not None
        security = MediaSecurity((self._group,))
        tokens = security.answer(handle.setup.tokens)
        media = self._media(handle, security)
        handle.accept(conference_id=secrets.token_bytes(16), tokens=tokens)
        has_stood = await _follow(handle, media, hangs_up=False)
        self.counters["stood" if has_stood and handle.account else "not-stood"] += 1
        return has_stood

    def _media(self, handle: CallHandle, security: MediaSecurity) -> CallMedia:
        media = CallMedia(handle.control, Wishes(OwnMedia(), must_encrypt=True), _PORTS, security)
        handle.control.prepare(media.capability_set())
        return media


async def _follow(handle: CallHandle, media: CallMedia, *, hangs_up: bool) -> bool:
    """To the end of the call; whether its media stood."""
    has_stood = False
    while not isinstance(event := await handle.next_event(), Released):
        handle.carry(media.handle(event, handle.now()))
        has_stood = has_stood or _stands(media.media)
        if has_stood and hangs_up:
            handle.release()
    return has_stood


def _stands(media: LegMedia) -> bool:
    """Sound and picture in both directions, with keys."""
    streams = [stream for kind in _PORTS if (stream := media.stream(kind)) is not None]
    keys = [stream.h235 for stream in streams if stream.send is not None and stream.receive]
    return len(keys) == len(_PORTS) and all(each is not None and each.local and each.remote for each in keys)


async def answer(group: Group) -> None:
    """Take calls until SIGTERM; the port is printed once they may come, and counters at the end."""
    end = End(ROOM, group, is_mcu=True)
    await end.signalling.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    interpreter.settle()
    print(end.signalling.addresses[0][1], flush=True)
    await ended.wait()
    await end.signalling.stop()
    print(json.dumps(end.counters), flush=True)


async def call(group: Group, port: int, seconds: float) -> dict[str, float]:
    """Call for so long."""
    end = End(TERMINAL, group, is_mcu=False)
    await end.signalling.start()
    began, began_cpu = time.monotonic(), time.process_time()
    results: Counter[bool] = Counter()

    async def line() -> None:
        while time.monotonic() - began < seconds:
            try:
                results[await end.call(("127.0.0.1", port))] += 1
            except (OSError, TimeoutError):
                logger.exception("a call failed")
                results[False] += 1

    async with asyncio.TaskGroup() as group_of_lines:
        for _ in range(LINES):
            group_of_lines.create_task(line())
    elapsed, cpu_s = time.monotonic() - began, time.process_time() - began_cpu
    await end.signalling.stop()
    return {"stood": results[True], "failed": results[False], "elapsed_s": elapsed, "cpu_s": cpu_s}


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    if sys.argv[1] == "answer":
        asyncio.run(answer(GROUPS[sys.argv[2]]))
    else:
        print(json.dumps(asyncio.run(call(GROUPS[sys.argv[2]], int(sys.argv[3]), float(sys.argv[4])))))
