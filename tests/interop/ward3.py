"""A terminal of H.323 that is not ours: Asterisk, which calls us as `ward3` and answers 777 with a tone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from tests.interop import asterisk_h323
from tests.interop.asterisk_h323 import RECORD, Asterisk
from tests.interop.namespace import SERVER, TERMINAL
from tests.interop.server import GUEST_PASSCODE

PORT = 1720
TONE_HZ = 1004
"""Of Asterisk's Milliwatt."""
OTHER_TONE_HZ = 1360
KEYS = ("h245alphanumeric", "h245signal", "q931keypad", "rfc2833")
_EXTENSIONS = f"""[default]
exten => 777,1,Answer()
 same => n,Milliwatt()
exten => 778,1,Busy()

[keys]
exten => s,1,Answer()
 same => n,Wait(2)
 same => n,SendDTMF({GUEST_PASSCODE}#,150,100)
 same => n,Echo()

[milliwatt]
exten => s,1,Answer()
 same => n,{RECORD}
 same => n,Milliwatt()

[other-tone]
exten => s,1,Answer()
 same => n,{RECORD}
 same => n,Playtones({OTHER_TONE_HZ})
 same => n,Wait(600)
"""


@contextlib.asynccontextmanager
async def running(
    *,
    is_fast: bool = True,
    tunnels: bool = True,
    name: str = "ward3",
    address: str = TERMINAL,
) -> AsyncIterator[Asterisk]:
    """One that dials `OOH323/number@drumtower`; in the context `keys` it keys in a passcode, as `@drumtower-...` says.

    In the contexts `milliwatt` and `other-tone` it plays a tone and writes down what it hears.
    """
    ways = {"faststart": _yes(is_fast), "h245tunneling": _yes(tunnels)}
    media = {"context": "default", "disallow": "all", "allow": "ulaw"}
    general = {
        "bindaddr": address, "port": str(PORT), "h323id": name, "e164": "703", "callerid": name,
        "gatekeeper": "DISABLE",
    }  # fmt: skip
    drumtower = {"type": "friend", "ip": SERVER, "port": str(PORT)}
    peers = {f"drumtower-{keys}": drumtower | media | ways | {"dtmfmode": keys} for keys in KEYS}
    peers = {"drumtower": drumtower | media | ways, **peers}
    async with asterisk_h323.running(name, general | media | ways, _EXTENSIONS, peers) as asterisk:
        yield asterisk


def _yes(claim: bool) -> str:
    return "yes" if claim else "no"
