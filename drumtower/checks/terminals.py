"""What registered terminals prove themselves with."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import Settings
from crypto.ha1 import MD5, SHA256
from drumtower.checks.finding import Finding, ok, warn


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
