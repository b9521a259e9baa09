"""802.1X: what an authentication costs our authenticator beside hostapd, and our RADIUS server beside FreeRADIUS."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench import cpu
from bench.dot1x_load import TERMINALS
from bench.dot1x_site import PROGRAMS, Load, Site
from bench.programs import ToolError
from bench.report import Pair, Result

_GATES = {"md5": 1.5, "peap": 1.8}
_SERVER_GATE = 1.2
_SERVER_METHODS = ("tls", "peap", "ttls", "md5")
_TITLES = {"md5": "EAP-MD5", "peap": "PEAP-MSCHAPv2", "ttls": "TTLS-PAP", "tls": "EAP-TLS"}
_WARM_UP_S = 1.0
_MOST_STALLED = 0.01
_LOAD_NOTES = (
    f"load: {TERMINALS} terminals on one line, each of which says Start again as soon as it is let in, from the same "
    "generator for both; RADIUS over loopback; RSA 2048, TLS 1.2, nothing resumed"
)
_AUTHENTICATOR_NOTES = (
    "CPU of the authenticator's process for one whole authentication, EAPOL on a veth and RADIUS; baseline: hostapd "
    "(driver wired); FreeRADIUS behind both; no accounting, no bridge; both write what they decide into a file; "
    + _LOAD_NOTES
)
_SERVER_NOTES = (
    "CPU of the RADIUS server's process with its threads for one whole authentication; baseline: FreeRADIUS with the "
    "same certificates; hostapd asks both; ours has its user in SQLite and writes up to 600 lines of audit a minute, "
    "FreeRADIUS has it in a file and writes none, as Debian ships it; " + _LOAD_NOTES
)


@dataclass(frozen=True)
class Measured:
    """One server or authenticator under load."""

    cpu_s: float
    load: Load

    @property
    def cost_ms(self) -> float:
        """For one authentication."""
        return self.cpu_s * 1000 / max(1.0, self.load.succeeded)

    @property
    def trouble(self) -> str:
        """Why it does not count."""
        load = self.load
        if load.failed or load.succeeded < TERMINALS:
            return f"{load.succeeded:.0f} succeeded, {load.failed:.0f} failed"
        return f"{load.stalled:.0f} stalled" if load.stalled > _MOST_STALLED * load.succeeded else ""


Measure = Callable[[Site, float], Measured]


def run(seconds: float, runs: int) -> Iterator[Result]:
    """The authenticator with two methods, the server with four; ours and theirs in turn."""
    for method, gate in _GATES.items():
        case = f"authenticator, {_TITLES[method]}"
        yield _case(method, case, gate, _AUTHENTICATOR_NOTES, (our_authenticator, hostapd), seconds, runs)
    for method in _SERVER_METHODS:
        case = f"RADIUS server, {_TITLES[method]}"
        yield _case(method, case, _SERVER_GATE, _SERVER_NOTES, (our_server, free_radius), seconds, runs)


def our_authenticator(site: Site, seconds: float) -> Measured:
    """FreeRADIUS behind it."""
    return _measured(site, seconds, site.freeradius(), site.our_authenticator(), has_first=False)


def hostapd(site: Site, seconds: float) -> Measured:
    """FreeRADIUS behind it."""
    return _measured(site, seconds, site.freeradius(), site.hostapd(), has_first=False)


def our_server(site: Site, seconds: float) -> Measured:
    """Behind hostapd."""
    return _measured(site, seconds, site.our_server(), site.hostapd(asks_us=True), has_first=True)


def free_radius(site: Site, seconds: float) -> Measured:
    """Behind hostapd."""
    return _measured(site, seconds, site.freeradius(), site.hostapd(), has_first=True)


def _case(
    method: str, case: str, gate: float, notes: str, measures: tuple[Measure, Measure], seconds: float, runs: int
) -> Result:  # fmt: skip
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return Result("dot1x", case, "CPU-ms", [], gate, notes, f"missing: {', '.join(missing)}")
    pairs, void = [], ""
    with tempfile.TemporaryDirectory() as name:
        try:
            site = Site(Path(name), method)
        except ToolError as error:
            return Result("dot1x", case, "CPU-ms", [], gate, notes, str(error))
        with contextlib.closing(site):
            for _ in range(runs):
                ours, theirs = (measure(site, seconds / 2) for measure in measures)
                figures = {
                    "ours_per_s": ours.load.succeeded / ours.load.elapsed_s,
                    "theirs_per_s": theirs.load.succeeded / theirs.load.elapsed_s,
                }
                pairs.append(Pair(ours.cost_ms, theirs.cost_ms, figures))
                void = void or ours.trouble or theirs.trouble
    return Result("dot1x", case, "CPU-ms", pairs, gate, notes, void)


def _measured(
    site: Site, seconds: float, server: AbstractContextManager[int], authenticator: AbstractContextManager[int],
    *, has_first: bool,
) -> Measured:  # fmt: skip
    """The cost of the server (`has_first`), or of the authenticator."""
    with server as server_pid, authenticator as authenticator_pid:
        site.load(_WARM_UP_S)  # whatever is made at first use is made now
        pid = server_pid if has_first else authenticator_pid
        before = cpu.of([pid])
        load = site.load(seconds)
        return Measured(cpu.of([pid]) - before, load)
