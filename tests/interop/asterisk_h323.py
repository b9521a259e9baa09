"""Asterisk with chan_ooh323, an H.323 terminal, in a chroot of Debian packages (scripts/asterisk_h323_chroot.sh)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tests.interop.process import end, said_by
from tests.peers import missing

CHROOT = Path(os.environ.get("ASTERISK_H323_CHROOT", "/var/lib/drumtower-peers/asterisk-h323"))
HEARD_RATE_HZ = 8000
RECORD = "MixMonitor(,r(${FOLDER}/heard.sln))"
"""An application of the dial plan: from now on heard() has what comes."""
_MODULES = (
    "pbx_config app_dial app_echo app_milliwatt app_mixmonitor app_playtones app_senddtmf app_verbose func_channel "
    "codec_ulaw codec_alaw codec_resample format_sln res_pjproject res_sorcery_config res_rtp_asterisk "
    "res_timing_timerfd bridge_simple chan_ooh323 res_clioriginate"
)
"""In this order: res_rtp_asterisk needs the two before it."""
_INDICATIONS = "[general]\ncountry = us\n[us]\ndescription = any\nringcadence = 2000,4000\ndial = 350+440\n"
_UP_S = 15.0


class Asterisk:
    """One that runs in a folder of its own; its console takes commands."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._process = process

    async def console(self, command: str) -> str:
        """What the console says to a command."""
        asked = await asyncio.create_subprocess_exec(
            "chroot", str(CHROOT), "/usr/sbin/asterisk", "-C", _inside(self._folder / "asterisk.conf"), "-rx", command,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await said_by(asked, 10)
        return said.decode(errors="replace")

    async def channels(self) -> int:
        """How many calls it has."""
        said = await self.console("core show channels count")
        found = re.search(r"(\d+) active channel", said)
        assert found is not None, said
        return int(found[1])

    def heard(self, seconds: float = 1.0) -> NDArray[np.int16]:
        """The last that came in a call that RECORDs; what came in the last two seconds may not be written yet."""
        file = self._folder / "heard.sln"
        samples = np.frombuffer(file.read_bytes(), "<i2") if file.exists() else np.zeros(0, np.int16)
        return samples[-round(seconds * HEARD_RATE_HZ) :]

    def kill(self) -> None:
        """Without a word to its peers."""
        self._process.kill()
        self._process.wait()


@contextlib.asynccontextmanager
async def running(
    name: str, general: dict[str, str], extensions: str = "", peers: Mapping[str, dict[str, str]] = MappingProxyType({})
) -> AsyncIterator[Asterisk]:
    """Asterisk with these settings of [general] and of peers in ooh323.conf, until the end of the block.

    Its folder in the chroot is its own, so that several run side by side, whoever has started them; after a failure it
    stays, with the log of H.323 in it.
    """
    if not (CHROOT / "usr/sbin/asterisk").exists():
        missing(f"no Asterisk with H.323 in {CHROOT} (scripts/asterisk_h323_chroot.sh)")
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=CHROOT / "run"))
    log = {"logfile": _inside(folder / "h323.log")}
    _configure(folder, {"general": {**log, **general}, **peers}, extensions)
    # Mounted for this process alone. Without the last it waits for name servers, for 5 s, in the tests' own network.
    script = (
        'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && touch "$0/etc/resolv.conf" '
        '&& mount --bind /dev/null "$0/etc/resolv.conf" && exec chroot "$0" /usr/sbin/asterisk -f -C "$1"'
    )
    server = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", script, str(CHROOT),
         _inside(folder / "asterisk.conf")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        asterisk = Asterisk(folder, server)
        async with asyncio.timeout(_UP_S):
            while "Asterisk" not in await asterisk.console("core show version"):
                assert server.poll() is None, "Asterisk ended"
                await asyncio.sleep(0.1)
        yield asterisk
    finally:
        end(server)
    shutil.rmtree(folder)


def _inside(path: Path) -> str:
    """As Asterisk itself names it."""
    return f"/{path.relative_to(CHROOT)}"


def _configure(folder: Path, sections: dict[str, dict[str, str]], extensions: str) -> None:
    own = ("astetcdir", "astdbdir", "astspooldir", "astrundir", "astlogdir")
    places = dict.fromkeys(own, _inside(folder)) | {
        "astmoddir": "/usr/lib/asterisk/modules", "astvarlibdir": "/var/lib/asterisk",
        "astdatadir": "/usr/share/asterisk",
    }  # fmt: skip
    modules = "".join(f"load = {module}.so\n" for module in _MODULES.split())
    dial_plan = extensions or "[default]\nexten => _X.,1,Answer()\n same => n,Echo()\n"
    files = {
        "asterisk.conf": "[directories]\n" + "".join(f"{key} => {place}\n" for key, place in places.items()),
        "modules.conf": "[modules]\nautoload = no\n" + modules,
        "indications.conf": _INDICATIONS,
        "extensions.conf": f"[globals]\nFOLDER = {_inside(folder)}\n\n{dial_plan}",
        "ooh323.conf": "".join(
            f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())
            for section, settings in sections.items()
        ),
    }
    for file, text in files.items():
        (folder / file).write_text(text)
