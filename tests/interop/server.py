"""Our server as its users run it: the installed command, its own data directory, addresses of the namespace."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp

from tests.interop.namespace import SERVER

ADMIN_PASSWORD = "correct horse battery staple"
TERMINAL_SECRET = "quiet-lantern-over-7-waters"
HTTP_PORT, SIP_PORT, WEBRTC_PORT = 8443, 5060, 40_000
GUEST_PASSCODE, HOST_PASSCODE = "24681357", "97531864"
BASE = f"https://{SERVER}:{HTTP_PORT}"

_CONFIGURATION = """[server]
data = "{data}"
listen = ["{address}"]
http_port = {http}

[sip]
port = {sip}

[portal]
metrics_networks = ["10.77.0.0/24"]

[net]
webrtc_port = {webrtc}

[secrets]
master_key_file = "{key}"
"""

_REPOSITORY = Path(__file__).parents[2]
_ONE_AFTER_THE_OTHER = """import json, sys
from drumtower.cli import main
sys.exit(any(main(command) for command in json.loads(sys.argv[1])))"""


def _search_path() -> str:
    """Ours first, so that the tests need no installed copy."""
    return os.pathsep.join([str(_REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])


@dataclass
class Server:
    """One running `drumtower serve`, with an administrator and the rooms that a test asked for."""

    folder: Path
    settings: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    preparation: tuple[tuple[str, ...], ...] = ()
    """Further commands that an administrator gives before it serves."""

    async def start(
        self, rooms: dict[str, dict[str, Any]] | None = None, terminals: Mapping[str, str] = MappingProxyType({})
    ) -> Server:
        """Make people, rooms and terminals (alias: name) with the command line, then serve until stop()."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._environment = dict(
            # Measuring the machine at each start would cost every test some seconds of processor time.
            {"DRUMTOWER_CAPACITY_ENABLED": "false"} | dict(os.environ),
            DRUMTOWER_CONFIG=str(self.folder / "drumtower.toml"),
            PYTHONPATH=_search_path(),
            **self.environment,
        )
        (self.folder / "drumtower.toml").write_text(
            _CONFIGURATION.format(
                data=self.folder / "data", address=SERVER, http=HTTP_PORT, sip=SIP_PORT, webrtc=WEBRTC_PORT,
                key=self.folder / "secrets" / "master.key",
            )
            + self.settings
        )  # fmt: skip
        password = self.folder / "password"
        password.write_text(ADMIN_PASSWORD + "\n")
        chosen = rooms or {"1001": {}}
        self.run_all(
            ("user", "create", "admin", "--password-file", str(password)),
            *(self._room(number, **wishes) for number, wishes in chosen.items()),
            *self._terminals(terminals),
            *self.preparation,
        )
        await self.serve()
        return self

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of the installed program."""
        command = [sys.executable, "-m", "drumtower", *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False, timeout=60, cwd=self.folder
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def run_all(self, *commands: tuple[str, ...]) -> None:
        """Commands one after the other in one process: most of what a short one takes is its start."""
        done = subprocess.run(
            [sys.executable, "-c", _ONE_AFTER_THE_OTHER, json.dumps(commands)],
            env=self._environment, capture_output=True, text=True, check=False, timeout=60, cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}: {done.stdout}{done.stderr}"

    def _room(self, number: str, *, passcodes: bool = True, **wishes: Any) -> tuple[str, ...]:
        """`drumtower room create` with the passcodes of this module, unless the room is to have none."""
        arguments = ["room", "create", number, "--name", wishes.pop("name", f"Ward {number}")]
        if passcodes:
            for kind, passcode in (("guest", GUEST_PASSCODE), ("host", HOST_PASSCODE)):
                file = self.folder / f"{kind}-passcode"
                file.write_text(passcode + "\n")
                arguments += [f"--{kind}-passcode-file", str(file)]
        for option, value in wishes.items():
            arguments += [f"--{option.replace('_', '-')}"] + ([] if value is True else [str(value)])
        return tuple(arguments)

    def _terminals(self, names: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
        """`drumtower terminal add` with the secret of this module."""
        if names:
            secret = self.folder / "terminal-secret"
            secret.write_text(TERMINAL_SECRET + "\n")
        for alias, name in names.items():
            yield "terminal", "add", alias, "--name", name, "--secret-file", str(secret)

    async def serve(self) -> None:
        """Start the program and wait until it answers."""
        self._log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "drumtower", "serve"],
            env=self._environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, cwd=self.folder,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()[-4000:]
            try:
                checks = (await self.get("/healthz"))["checks"]
                if checks["store"] == checks["media"] == "ok":
                    return
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.2)
        raise AssertionError(f"the server does not answer: {self.log()[-4000:]}")

    async def stop(self, how: int = signal.SIGTERM) -> int:
        """End the process that serve() started; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = await asyncio.to_thread(self.process.wait, 20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not stop in 20 s") from None
        finally:
            self._log.close()
        return status

    def log(self) -> str:
        """What it printed."""
        return (self.folder / "log").read_text(errors="replace")

    def children(self) -> dict[str, int]:
        """Process ids of the worker's processes by name (net, video, audio, recorder); a spare one is the younger."""
        found: dict[str, tuple[int, int]] = {}
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
                command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                began = int((status.parent / "stat").read_text().rpartition(")")[2].split()[19])
            except OSError:
                continue
            if f"PPid:\t{self.process.pid}\n" in text and (match := re.search(r"-m (?:mcu\.)?(\w+)\.process", command)):
                this = (began, int(status.parent.name))
                found[match[1]] = min(found.get(match[1], this), this)
        return {name: pid for name, (_, pid) in found.items()}

    def session(self) -> aiohttp.ClientSession:
        """An HTTP client that trusts the server's own authority."""
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        jar = aiohttp.CookieJar(unsafe=True)  # the server is found by its address
        return aiohttp.ClientSession(BASE, connector=aiohttp.TCPConnector(ssl=trust), cookie_jar=jar)

    async def get(self, path: str) -> Any:
        """JSON of a public address."""
        async with self.session() as session, session.get(path) as answer:
            return await answer.json()

    async def metrics(self) -> str:
        """The text that Prometheus gets."""
        async with self.session() as session, session.get("/metrics") as answer:
            return await answer.text()

    async def administrator(self) -> Administrator:
        """A signed-in client of the API."""
        session = self.session()
        async with session.post(
            "/api/v1/session", json={"name": "admin", "password": ADMIN_PASSWORD}, headers={"Origin": BASE}
        ) as answer:
            body = await answer.json()
            assert answer.status in (200, 201), body
        return Administrator(session, {"X-CSRF-Token": body["csrf_token"], "Origin": BASE})


@dataclass
class Administrator:
    """The API as the portal uses it."""

    session: aiohttp.ClientSession
    headers: dict[str, str]

    async def call(self, method: str, path: str, body: object = None, *, expect: int = 0) -> Any:
        """One request under /api/v1; its JSON."""
        data = None if body is None else json.dumps(body)
        headers = self.headers | ({"Content-Type": "application/json"} if data is not None else {})
        async with self.session.request(method, f"/api/v1{path}", data=data, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == expect if expect else answer.status < 300, f"{method} {path}: {text}"
            return json.loads(text) if text else None

    async def conference(self, room: str = "1001") -> dict[str, Any]:
        """The running conference of a room."""
        found: dict[str, Any] = await self.call("GET", f"/conferences/{room}")
        return found

    async def close(self) -> None:
        """Close the client."""
        await self.session.close()
