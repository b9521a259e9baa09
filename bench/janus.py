"""Janus AudioBridge from Debian's package, for benchmarks: a process of its own, told by a Unix socket what to do."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/janus")
_PLUGIN = "janus.plugin.audiobridge"
_FIRST_PORT, _LAST_PORT = 46_000, 47_999
_ROOM = 1000
_PATIENCE_S = 15.0


def is_installed() -> bool:
    """Whether Debian's package is there."""
    return (_LIBRARY / "plugins").is_dir() and Path("/usr/bin/janus").exists()


class Janus:
    """One room on a running server."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self.pid = process.pid
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_PATIENCE_S)
        self._socket.connect(str(path))
        self._requests = 0
        self._session = self._ask(janus="create")["data"]["id"]

    def close(self) -> None:
        """Speak to it no more."""
        self._socket.close()

    def open_room(self, rate_hz: int) -> None:
        """A room that mixes at this rate, without delay before it plays."""
        body = {
            "request": "create", "room": _ROOM, "sampling_rate": rate_hz, "audiolevel_ext": False,
            "allow_rtp_participants": True, "default_prebuffering": 2,
        }  # fmt: skip
        self._message(self._attach(), body)

    def join(self, codec: str, payload_type: int, port: int, opus: Mapping[str, object]) -> int:
        """A participant without WebRTC, who is at a UDP port here; the port at which the server hears it."""
        rtp = {"ip": "127.0.0.1", "port": port, "payload_type": payload_type, "fec": False}
        body = {"request": "join", "room": _ROOM, "codec": codec, "rtp": rtp, **opus}
        answer = self._message(self._attach(), body)
        return int(answer["plugindata"]["data"]["rtp"]["port"])

    def _attach(self) -> int:
        return int(self._ask(janus="attach", session_id=self._session, plugin=_PLUGIN)["data"]["id"])

    def _message(self, handle: int, body: Mapping[str, object]) -> dict[str, Any]:
        return self._ask(janus="message", session_id=self._session, handle_id=handle, body=body)

    def _ask(self, **request: object) -> dict[str, Any]:
        self._requests += 1
        transaction = str(self._requests)
        self._socket.send(json.dumps(request | {"transaction": transaction}).encode())
        while True:
            answer: dict[str, Any] = json.loads(self._socket.recv(1 << 16))
            if answer.get("transaction") == transaction and answer["janus"] != "ack":
                if answer["janus"] == "error" or "error" in answer.get("plugindata", {}).get("data", {}):
                    raise RuntimeError(f"Janus: {answer}")
                return answer


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Janus]:
    """A server with nothing but the AudioBridge; its files are in `folder`."""
    for name, text in _files(folder).items():
        (folder / name).write_text(text)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["/usr/bin/janus", f"--configs-folder={folder}"], stdout=log, stderr=log)
    try:
        janus = _connected(process, folder / "janus.sock")
        try:
            yield janus
        finally:
            janus.close()
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _files(folder: Path) -> dict[str, str]:
    """Its settings: one transport, one plugin, loopback alone."""
    plugins = ",".join(file.name for file in (_LIBRARY / "plugins").glob("*.so") if "audiobridge" not in file.name)
    transports = ",".join(file.name for file in (_LIBRARY / "transports").glob("*.so") if "pfunix" not in file.name)
    main = (
        f'general: {{ configs_folder = "{folder}"\n plugins_folder = "{_LIBRARY}/plugins"\n'
        f' transports_folder = "{_LIBRARY}/transports"\n debug_level = 3\n debug_colors = false }}\n'
        f'plugins: {{ disable = "{plugins}" }}\ntransports: {{ disable = "{transports}" }}\n'
    )
    unix = (
        f'general: {{ enabled = true\n json = "compact"\n path = "{folder}/janus.sock"\n type = "SOCK_SEQPACKET" }}\n'
    )
    bridge = f'general: {{ local_ip = "127.0.0.1"\n rtp_port_range = "{_FIRST_PORT}-{_LAST_PORT}" }}\n'
    return {
        "janus.jcfg": main,
        "janus.transport.pfunix.jcfg": unix,
        "janus.plugin.audiobridge.jcfg": bridge,
    }


def _connected(process: subprocess.Popen[bytes], path: Path) -> Janus:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            return Janus(process, path)
        time.sleep(0.1)
    raise RuntimeError("Janus does not answer")
