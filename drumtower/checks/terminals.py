"""What registered terminals prove themselves with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from config.settings import Settings
from crypto.ha1 import MD5, SHA256
from drumtower.checks.finding import Finding, ok, warn
from store.database import Database
from store.errors import StoreError

_SQLITE = "sqlite:///"
_NAMED_AT_MOST = 10


def check_digests(settings: Settings) -> Iterator[Finding]:
    """The algorithms that are offered (RFC 8760): MD5 alone is for terminals that nothing else gets in."""
    offered = settings.sip.digest_algorithms
    names = ", ".join(offered)
    if SHA256 not in offered:
        advice = 'set digest_algorithms = ["SHA-256", "MD5"] in [sip] as soon as no terminal gives up on it'
        yield warn("terminals", "secrets of terminals are proved with MD5 only", advice)
    elif offered[0] == MD5:
        yield warn("terminals", f"digests: {names}; terminals take the first that they know", "name SHA-256 first")
    else:
        yield ok("terminals", f"digests: {names}")


def check_gatekeeper(settings: Settings) -> Iterator[Finding]:
    """Whom the H.323 gatekeeper lets register, and which way calls between them go."""
    h323 = settings.h323
    if not h323.enabled:
        yield ok("h323", "H.323 is switched off")
        return
    if h323.authentication == "required":
        yield ok("h323", "terminals register with their secret (H.235.1)")
    else:
        who = "terminals without a secret" if h323.authentication == "known" else "anybody, under any name,"
        advice = 'set authentication = "required" in [h323] once every terminal has its secret'
        yield warn("h323", f"{who} may register with the gatekeeper", advice)
    if h323.call_model == "routed":
        yield ok("h323", "calls between terminals are signalled through this server, their media is not")


def check_h323_secrets(settings: Settings) -> Iterator[Finding]:
    """Secrets that were set before there was H.323 serve SIP alone. Looks only; nothing is created or migrated."""
    url = settings.database_url
    if not settings.h323.enabled or (url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists()):
        return
    try:
        old = asyncio.run(_without_key(settings))
    except StoreError:
        return  # check_database has more to say about it
    if old:
        names = ", ".join(old[:_NAMED_AT_MOST]) + (", ..." if len(old) > _NAMED_AT_MOST else "")
        text = f"{len(old)} terminal(s) have a secret from before H.323 and cannot register with it: {names}"
        yield warn("h323", text, "set it again where it is needed: drumtower terminal set-secret ALIAS")


async def _without_key(settings: Settings) -> list[str]:
    database = Database(settings.database_url, settings.store)
    try:
        current, needed = await database.revisions()
        if current != needed:
            return []
        return [terminal.alias for terminal in await database.terminals.all() if terminal.h235_key is None]
    finally:
        await database.close()
