"""A terminal of H.323 that is not ours: Asterisk, which calls us as `ward3` and answers 777 with a tone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from tests.interop import asterisk_h323
from tests.interop.asterisk_h323 import Asterisk
from tests.interop.namespace import SERVER, TERMINAL
from tests.interop.server import GUEST_PASSCODE

PORT = 1720
TONE_HZ = 1004
"""Of Asterisk's Milliwatt."""
_EXTENSIONS = f"""[default]
exten => 777,1,Answer()
 same => n,Milliwatt()
exten => 778,1,Busy()

[keys]
exten => s,1,Answer()
 same => n,Wait(4)
 same => n,SendDTMF({GUEST_PASSCODE}#,250,100)
 same => n,Echo()
"""


@contextlib.asynccontextmanager
async def running(
    *, is_fast: bool = True, tunnels: bool = True, dtmf: str = "h245alphanumeric"
) -> AsyncIterator[Asterisk]:
    """One that dials `OOH323/number@drumtower`; with a passcode by hand from the context `keys`."""
    ways = {"faststart": _yes(is_fast), "h245tunneling": _yes(tunnels), "dtmfmode": dtmf}
    media = {"context": "default", "disallow": "all", "allow": "ulaw"}
    general = {
        "bindaddr": TERMINAL, "port": str(PORT), "h323id": "ward3", "e164": "703", "callerid": "ward3",
        "gatekeeper": "DISABLE",
    }  # fmt: skip
    drumtower = {"type": "friend", "ip": SERVER, "port": str(PORT)}
    peers = {"drumtower": drumtower | media | ways}
    async with asterisk_h323.running("drumtower-calls", general | media | ways, _EXTENSIONS, peers) as asterisk:
        yield asterisk


def _yes(claim: bool) -> str:
    return "yes" if claim else "no"
