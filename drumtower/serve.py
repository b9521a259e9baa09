"""`drumtower serve`: start, say where to go, run until told to stop."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys

from auth8021x.eapserver.secret_strength import WeakSecretError
from auth8021x.errors import Dot1xError
from config.environment import log_level
from config.settings import Settings
from crypto.ca import CertificateError
from crypto.keys import KeyFault
from crypto.secret_file import SecretFault
from drumtower import interpreter
from drumtower.application import Application
from drumtower.demo import DemoCallers
from drumtower.welcome import Welcome
from mcu.fleet.worker import WorkerError
from store.errors import StoreError

logger = logging.getLogger(__name__)
_DESCRIPTORS = 65_536
_CANNOT_START = (
    KeyFault, SecretFault, WeakSecretError, CertificateError, StoreError, WorkerError, Dot1xError, OSError,
)  # fmt: skip


def serve(settings: Settings, *, has_demo_room: bool, has_demo_callers: bool) -> int:
    """Run the server until SIGINT or SIGTERM; SIGHUP takes a replaced certificate. The exit status."""
    logging.basicConfig(
        stream=sys.stderr,
        level=log_level(),
        format="%(asctime)s control %(levelname)s %(name)s: %(message)s",
    )
    for noisy in ("aiohttp", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Keys and passcodes live here.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _allow_descriptors()
    try:
        return asyncio.run(_serve(settings, has_demo_room=has_demo_room, has_demo_callers=has_demo_callers))
    except _CANNOT_START as error:
        print(f"drumtower: {error}", file=sys.stderr)
        print("`drumtower doctor` says what to do about ports, addresses, keys and the rest.", file=sys.stderr)
        return 1


def _allow_descriptors() -> None:
    """As many sockets as the system lets us have, here and in the workers; each call takes some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(settings: Settings, *, has_demo_room: bool, has_demo_callers: bool) -> int:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop.set)
    application = Application(settings)
    await application.start()
    loop.add_signal_handler(signal.SIGHUP, application.certificates.look_now)
    interpreter.settle()
    demo = DemoCallers(application)
    try:
        welcome = Welcome(application)
        await welcome.prepare(has_demo_room=has_demo_room)
        welcome.say()
        if has_demo_callers:
            await demo.start()
        await told_to_stop.wait()
        print("Stopping: calls are ended and recordings finished.", flush=True)
    finally:
        await demo.stop()
        await application.stop()
    return 0
