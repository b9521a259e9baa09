"""`drumtower dot1x status`, `sessions` and `disconnect`: who is in the network, as the server has written it down."""

from __future__ import annotations

import argparse
import time
from collections import Counter

from audit.lines import shown
from auth8021x.directory.orders import EndOrder, is_aside
from auth8021x.directory.session import Entry, Session
from auth8021x.errors import MalformedPacketError
from auth8021x.switches.switch_book import SwitchBook
from auth8021x.wire import mac_address
from drumtower import dot1x_news, login_report, radius_servers
from drumtower.administration import EXIT_STATUS, CommandError, Office, command
from drumtower.local_time import local

_EPILOG = f"the running server writes changes down within seconds, and takes orders as fast. {EXIT_STATUS}"


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to those of `drumtower dot1x`."""
    status = actions.add_parser(
        "status",
        help="show sites, their modes, how many sessions they have, whether RADIUS servers answer, who was refused",
        epilog=_EPILOG,
    )
    status.set_defaults(command=command(_status))
    sessions = actions.add_parser("sessions", help="list who is in the network", epilog=_EPILOG)
    sessions.add_argument("--site", default="", help="of this site alone")
    sessions.set_defaults(command=command(_sessions))
    disconnect = actions.add_parser(
        "disconnect", help="end the session of a device", epilog=_EPILOG,
        description="End the session of a device for registrations and calls; what its switch says of this session "
        "from now on counts no more. Our own ports put it out at once, and so does a switch of [[dot1x.switches]]; at "
        "other switches its port stays as it is.",
    )  # fmt: skip
    disconnect.add_argument("mac", metavar="MAC", help="its MAC address, in whatever spelling")
    disconnect.add_argument("--site", default="", help="where several sites have it: in which")
    disconnect.set_defaults(command=command(_disconnect))


async def _status(_options: argparse.Namespace, office: Office) -> None:
    settings = office.settings.dot1x
    sessions = await _live(office)
    counts = Counter(session.site for session in sessions)
    for site in settings.sites:
        print(f"{site.name:<32} {site.mode:<8} {counts.pop(site.name, 0)} sessions")
    for name, count in sorted(counts.items()):
        print(f"{name:<32} {'(unset)':<8} {count} sessions")
    print(f"{'elsewhere':<32} {settings.gate.elsewhere}")
    listener = settings.listener
    where = ", ".join(f"{address} port {listener.port}" for address in listener.listen)
    print(f"accounting: {where or 'not listened for'}")
    if settings.enforcement.ports:
        drivers = ", ".join(settings.enforcement.drivers) or "everything passes"
        own = sum(session.is_own for session in sessions)
        print(f"own ports: {len(settings.enforcement.ports)}, {drivers}; {own} sessions")
    if lines := await radius_servers.health(settings):
        print("RADIUS servers, as they answer now:", *lines, sep="\n")
    news = dot1x_news.read(await office.database.port_sessions.load(0.0))
    for line in login_report.lines(settings, news):
        print(line)


async def _sessions(options: argparse.Namespace, office: Office) -> None:
    for session in await _live(office):
        if options.site in ("", session.site):
            print(_line(session))


async def _disconnect(options: argparse.Namespace, office: Office) -> None:
    try:
        mac = mac_address.parse(options.mac)
    except MalformedPacketError:
        raise CommandError(f"{options.mac}: no MAC address") from None
    found = [each for each in await _live(office) if each.mac == mac and options.site in ("", each.site)]
    if not found:
        raise CommandError(f"{mac_address.plain(mac)}: has no session")
    if len(found) > 1:
        raise CommandError(f"name one with --site: {', '.join(sorted(each.site for each in found))}")
    office.database.port_sessions.put(EndOrder(found[0].site, mac, time.time()).row())
    print(f"ordered: {_line(found[0])}")
    print(_told(found[0], office))


def _told(session: Session, office: Office) -> str:
    """Who has to put it out."""
    if session.is_own:
        return "its port here is told"
    switch = SwitchBook(office.settings.dot1x.switches).find(session)
    return f"its switch is told: {switch}" if switch is not None else "no switch is told: see [[dot1x.switches]]"


async def _live(office: Office) -> list[Session]:
    """Those that are written down, but for what has expired since."""
    sessions: list[Session] = []
    now = time.time()
    for row in await office.database.port_sessions.load(0.0):
        if is_aside(row.key) or row.expires_at <= now:
            continue
        try:
            sessions.append(Session.parse(row.data))
        except MalformedPacketError:
            continue
    return sorted(sessions, key=lambda session: (session.site, session.identity, session.mac))


def _line(session: Session) -> str:
    entry = {None: "", Entry.EAP: "802.1X", Entry.BYPASS: "by its address alone", Entry.GUEST: "guest"}[session.entry]
    where = " ".join(each for each in (session.nas, session.port) if each)
    addresses = " ".join(held.address for held in session.addresses) or "no address yet"
    parts = (session.role, entry, where, addresses, f"since {local(session.opened_at)}")
    head = f"{session.site:<12} {mac_address.plain(session.mac)} {shown(session.identity):<24}"
    return f"{head} {', '.join(shown(part) for part in parts if part)}, {_until(session)}"


def _until(session: Session) -> str:
    """When it ends, or its device is asked again."""
    if session.ends_at is not None:
        what = "asked again" if session.is_renewable else "ends"
        return f"{what} at {local(session.ends_at)}"
    if session.expires_at is None:
        return "no time limit"
    return f"no time limit told; over at {local(session.expires_at)} unless it is heard of again"
