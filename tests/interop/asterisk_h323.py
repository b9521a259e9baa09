"""Asterisk with chan_ooh323, an H.323 terminal, in a chroot of Debian packages (scripts/asterisk_h323_chroot.sh)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType

from tests.interop.process import end
from tests.peers import missing

CHROOT = Path(os.environ.get("ASTERISK_H323_CHROOT", "/var/lib/drumtower-peers/asterisk-h323"))
_MODULES = (
    "pbx_config app_dial app_echo app_milliwatt app_senddtmf app_verbose func_channel codec_ulaw codec_alaw "
    "codec_resample res_pjproject res_sorcery_config res_rtp_asterisk res_timing_timerfd bridge_simple chan_ooh323 "
    "res_clioriginate"
)
"""In this order: res_rtp_asterisk needs the two before it."""
_UP_S = 15.0


class Asterisk:
    """One that runs; its console takes commands."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self._name = name
        self._process = process

    async def console(self, command: str) -> str:
        """What the console says to a command."""
        asked = await asyncio.create_subprocess_exec(
            "chroot", str(CHROOT), "/usr/sbin/asterisk", "-C", f"/etc/{self._name}/asterisk.conf", "-rx", command,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(asked.communicate(), 10)
        return said.decode(errors="replace")

    async def channels(self) -> int:
        """How many calls it has."""
        said = await self.console("core show channels count")
        found = re.search(r"(\d+) active channel", said)
        assert found is not None, said
        return int(found[1])

    def kill(self) -> None:
        """Without a word to its peers."""
        self._process.kill()
        self._process.wait()


@contextlib.asynccontextmanager
async def running(
    name: str, general: dict[str, str], extensions: str = "", peers: Mapping[str, dict[str, str]] = MappingProxyType({})
) -> AsyncIterator[Asterisk]:
    """Asterisk with these settings of [general] and of peers in ooh323.conf, until the end of the block."""
    if not (CHROOT / "usr/sbin/asterisk").exists():
        missing(f"no Asterisk with H.323 in {CHROOT} (scripts/asterisk_h323_chroot.sh)")
    _configure(name, {"general": {"logfile": f"/var/log/{name}/h323", **general}, **peers}, extensions)
    # /dev and /proc are there for this process alone, so that nothing stays mounted.
    script = (
        'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0" /usr/sbin/asterisk -f -C "$1"'
    )
    server = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", script, str(CHROOT), f"/etc/{name}/asterisk.conf"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        asterisk = Asterisk(name, server)
        async with asyncio.timeout(_UP_S):
            while "Asterisk" not in await asterisk.console("core show version"):
                assert server.poll() is None, "Asterisk ended"
                await asyncio.sleep(0.2)
        yield asterisk
    finally:
        end(server)


def _configure(name: str, sections: dict[str, dict[str, str]], extensions: str) -> None:
    folders = {"astetcdir": f"etc/{name}", "astdbdir": f"var/lib/{name}", "astspooldir": f"var/spool/{name}",
               "astrundir": f"run/{name}", "astlogdir": f"var/log/{name}"}  # fmt: skip
    for folder in folders.values():
        (CHROOT / folder).mkdir(parents=True, exist_ok=True)
    places = {key: f"/{folder}" for key, folder in folders.items()} | {
        "astmoddir": "/usr/lib/asterisk/modules", "astvarlibdir": "/var/lib/asterisk",
        "astdatadir": "/usr/share/asterisk",
    }  # fmt: skip
    modules = "".join(f"load = {module}.so\n" for module in _MODULES.split())
    files = {
        "asterisk.conf": "[directories]\n" + "".join(f"{key} => {place}\n" for key, place in places.items()),
        "modules.conf": "[modules]\nautoload = no\n" + modules,
        "extensions.conf": extensions or "[default]\nexten => _X.,1,Answer()\n same => n,Echo()\n",
        "ooh323.conf": "".join(
            f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())
            for section, settings in sections.items()
        ),
    }
    for file, text in files.items():
        (CHROOT / folders["astetcdir"] / file).write_text(text)
