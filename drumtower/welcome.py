"""The first start: an administrator, a demo room, and what a newcomer needs to know, readable at a glance.

Passwords and passcodes are shown once, on the terminal; where there is none they go into a file that only its owner
can read. They never reach a log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crypto.keys import KeyFault, MasterKey
from crypto.passcode import generate_passcode, generate_password
from store.rooms import Room

if TYPE_CHECKING:
    from drumtower.application import Application

ADMINISTRATOR = "admin"
DEMO_ROOM = "1001"
_DEMO_CONTEXT = "demo-room-passcode"


class Welcome:
    """Prepares a fresh installation and greets."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._secrets: list[tuple[str, str]] = []
        self._has_demo_room = False

    async def prepare(self, *, has_demo_room: bool) -> None:
        """Make the administrator, and the demo room where it is wanted and no room exists."""
        database = self._application.database
        if not await database.users.all():
            password = generate_password().reveal()
            await database.users.add(ADMINISTRATOR, await self._application.hasher.hash(password), must_change=True)
            self._secrets += [("Sign in as", ADMINISTRATOR), ("One-time password", password)]
        if has_demo_room and not await database.rooms.all():
            await self._make_demo_room()
        self._has_demo_room = has_demo_room and await database.rooms.get(DEMO_ROOM) is not None

    def say(self) -> None:
        """Print where to go; secrets only where nobody keeps them."""
        application = self._application
        lines = ["", "  Drumtower is running.", ""]
        lines += [_line("Portal", url) for url in application.web.urls]
        if self._has_demo_room:
            lines += [_line("Demo room", f"{url}/join/{DEMO_ROOM}") for url in application.web.urls]
            lines += [_line(_by(address), address) for address in application.dial_addresses(DEMO_ROOM)]
        lines += self._about_certificate()
        if self._secrets and sys.stdout.isatty():
            lines += ["", "  Shown this once:", *(_line(name, secret) for name, secret in self._secrets)]
        elif self._secrets:
            lines += ["", f"  The first password is in {self._keep()} : read it, then delete the file."]
        lines += ["", "  Stop with Ctrl-C. `drumtower --help` lists the commands.", ""]
        print("\n".join(lines), flush=True)
        self._secrets.clear()

    async def _make_demo_room(self) -> None:
        application = self._application
        guest, host = generate_passcode().reveal(), generate_passcode().reveal()
        room = Room(
            DEMO_ROOM,
            "Demo room",
            guest_hash=await application.hasher.hash(guest),
            host_hash=await application.hasher.hash(host),
        )
        await application.database.rooms.add(room)
        _demo_file(application).write_bytes(application.master.wrap(guest.encode(), _DEMO_CONTEXT))
        dial = application.dial_addresses(f"{DEMO_ROOM}**{guest}")[0]
        self._secrets += [("Demo room passcode", guest), ("As its host", host), ("SIP with passcode", dial)]

    def _about_certificate(self) -> list[str]:
        certificate = self._application.certificates.of_server
        if certificate is None:
            return []
        lines = ["", _line("Certificate", f"SHA-256 {certificate.fingerprint}")]
        if certificate.is_private_ca:
            lines += [
                _line("", f"made here; import {self._application.certificates.authority_path} into browsers once,"),
                _line("", "or use the hospital's own: drumtower certificate --help"),
            ]
        return lines

    def _keep(self) -> Path:
        path = self._application.settings.data / "first-start.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{name}: {secret}\n" for name, secret in self._secrets)
        return path


def demo_passcode(application: Application) -> str | None:
    """The demo room's guest passcode, which is kept sealed for the demo callers; None where it is not known."""
    path = _demo_file(application)
    return read_demo_passcode(path, application.master) if path.exists() else None


def read_demo_passcode(path: Path, master: MasterKey) -> str | None:
    """What is sealed in `path`; None where this master key does not open it."""
    try:
        return master.unwrap(path.read_bytes(), _DEMO_CONTEXT).decode()
    except (KeyFault, OSError, UnicodeDecodeError):
        return None


def _demo_file(application: Application) -> Path:
    return application.settings.data / "demo-room.sealed"


def _by(address: str) -> str:
    """How to dial it, by its scheme."""
    return "Dial by H.323" if address.startswith("h323:") else "Dial by SIP"


def _line(name: str, text: str) -> str:
    return f"  {name:<20}{text}"
