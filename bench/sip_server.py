"""What `bench sip` puts load on: our user agent and registrar over a fresh database, without rooms and media.

Calls are answered at once with SDP that was negotiated; REGISTER is what the server runs, digest, audit and store.
`python -m bench.sip_server FOLDER PORT` serves until it is ended.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import sys
from pathlib import Path

from config.settings import load
from crypto.secret import Secret
from drumtower import interpreter
from drumtower.keyring import master_key
from drumtower.terminals import TerminalOffice
from mcu.media import Kind
from signaling.errors import SipError
from signaling.sip.call_handle import IncomingCall
from signaling.sip.sdp.local import LocalMedia
from signaling.sip.sdp.offer_answer import Negotiation
from signaling.sip.sessions.events import Cancelled, Ended
from signaling.sip.ua import UserAgent
from store.database import Database

TERMINALS = 100
SECRET = "quiet-lantern-over-7-waters"
REALM = "bench"
READY = "ready"
_FINGERPRINT = ":".join(["AB"] * 32)


def alias_of(number: int) -> str:
    """The user names that load is made with."""
    return f"bench-{number:03}"


class Line:
    """Takes calls as a room does whose host is there: the answer comes at once."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def came(self, call: IncomingCall) -> None:
        """Answer it in a task of its own."""
        task = asyncio.get_running_loop().create_task(self._run(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, call: IncomingCall) -> None:
        local = LocalMedia(
            call.local_address, {Kind.AUDIO: (40_000, 40_001), Kind.VIDEO: (40_002, 40_003)}, secrets.token_bytes,
            fingerprint=_FINGERPRINT, cname="bench", peer_address=call.flow.remote[0],
        )  # fmt: skip
        try:
            answer, _ = Negotiation(local, secrets.randbits(47)).answer(call.request.body)
        except SipError as error:
            call.reject(error.status, error.reason)
            return
        call.accept(answer)
        while not isinstance(await call.next_event(), Ended | Cancelled):
            pass


async def serve(folder: Path, port: int) -> None:
    """Run until SIGTERM."""
    settings = load(
        None,
        {
            "HOME": str(folder), "DRUMTOWER_SERVER_DATA": str(folder), "DRUMTOWER_SIP_PORT": str(port),
            "DRUMTOWER_SECRETS_MASTER_KEY_FILE": str(folder.parent / f"{folder.name}.key"),
            "DRUMTOWER_SIP_REALM": REALM, "DRUMTOWER_SIP_DIGEST_ALGORITHMS": "MD5",
            "DRUMTOWER_SIP_MAX_CALLS": "4000", "DRUMTOWER_SIP_MAX_TRANSACTIONS": "100000",
        },
    )  # fmt: skip
    database = Database(settings.database_url, settings.store)
    await database.open()
    office = TerminalOffice(settings, database, master_key(settings))
    for number in range(TERMINALS):
        await office.book.add(alias_of(number), alias_of(number), "", Secret(SECRET))
    await office.start()
    agent = UserAgent(settings.sip, Line().came)
    office.registration.serve(agent)
    await agent.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    interpreter.settle()
    print(READY, flush=True)
    await ended.wait()
    await agent.stop()
    await office.stop()
    await database.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
