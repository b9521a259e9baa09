"""The directory: reports and sightings in, sessions and events out. Keyed by site, since sites share ranges. Pure.

One MAC has one live session in a site, one address belongs to one MAC with a live session.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from auth8021x.directory.address_book import AddressBook, Gain, Outcome
from auth8021x.directory.closed import Closed
from auth8021x.directory.events import Bound, Changed, EndCause, Ended, Event, Heard, Opened, Revoked
from auth8021x.directory.report import Kind, Report
from auth8021x.directory.session import Key, Session, Source
from auth8021x.sites import Sites, address_of
from config.dot1x_sites import DirectorySettings

MISSED_INTERIMS: Final = 3
"""Updates that may get lost before a session is taken for over."""
MAX_ENDED_AT_ONCE: Final = 200
"""When all switches have fallen silent at once, others get their turn in between."""
LOOK_EVERY_S: Final = 5.0
"""How exactly expiry is kept: looking at all sessions costs a few milliseconds."""


class Directory:
    """Times are UTC seconds."""

    def __init__(self, settings: DirectorySettings, sites: Sites) -> None:
        self._settings = settings
        self._sites = sites
        self.counters: Counter[str] = Counter()
        """What was not taken, by reason; cumulative."""
        self._sessions: dict[Key, Session] = {}
        self._keys: dict[tuple[str, str, str], Key] = {}
        self._of_nas: dict[tuple[str, str], set[Key]] = {}
        self._book = AddressBook(settings.max_addresses, settings.fresh_s)
        self._closed = Closed(settings.max_closed, settings.closed_s)
        self._events: deque[Event] = deque()
        self._look_at: float | None = None
        self._handlers: dict[Kind, Callable[[Report, float], bool]] = {
            Kind.START: self._heard,
            Kind.INTERIM: self._heard,
            Kind.STOP: self._stopped,
            Kind.NAS_RESTARTED: self._restarted,
        }

    def __len__(self) -> int:
        return len(self._sessions)

    # ---- questions

    def find(self, site: str, address: str) -> Session | None:
        """The session behind an address."""
        known = address_of(address)
        mac = self._book.owner(site, str(known)) if known is not None else None
        return self._sessions.get((site, mac)) if mac is not None else None

    def get(self, site: str, mac: bytes) -> Session | None:
        """The session of a MAC."""
        return self._sessions.get((site, mac))

    def sessions(self) -> list[Session]:
        """All that are live."""
        return list(self._sessions.values())

    def gauges(self) -> dict[str, int]:
        """Sizes of its tables."""
        return {"sessions": len(self._sessions), "addresses": len(self._book), "closed": len(self._closed)}

    # ---- in

    def report(self, report: Report, now: float) -> bool:
        """Take what is told about a session; False when there is no room for it, so that it should be told again."""
        if self._sites.get(report.site) is None:
            self.counters["unknown-site"] += 1
            return True
        return self._handlers[report.kind](report, now)

    def sighted(self, site: str, mac: bytes, address: str, source: Source, now: float) -> None:
        """An address was seen to be a MAC's on a port of ours (ARP, DHCP)."""
        session = self._sessions.get((site, mac))
        if session is None:
            self.counters["sighting-without-session"] += 1
            return
        self._claim(session.key, address, source, now)

    def end(self, site: str, mac: bytes, now: float, detail: str = "") -> bool:
        """By order of an administrator; what is told about this session from now on counts no more."""
        session = self._sessions.get((site, mac))
        if session is not None:
            self._end(session, EndCause.ORDERED, now, detail)
        return session is not None

    def ended_before(self, session: Session, now: float) -> None:
        """It was ended before a restart, and its switch may not know that yet: what that tells of it counts no more."""
        self._closed.add((session.site, session.nas, session.session_id), now, session.told_at)

    def amend(self, session: Session, role: str, vlan: str) -> None:
        """A switch was told to change a session, and has; "" stays as it is."""
        live = self._sessions.get(session.key)
        if live is None or (live.nas, live.session_id) != (session.nas, session.session_id):
            return
        changed = replace(live, role=role or live.role, vlan=vlan or live.vlan)
        self._sessions[live.key] = changed
        if changed != live:
            self._events.append(Changed(live, changed))

    def restore(self, kept: Iterable[Session], now: float) -> None:
        """Sessions of before a restart, told by Opened; those on our own ports ended with it."""
        for session in kept:
            is_known = session.key in self._sessions or (session.site, session.nas, session.session_id) in self._keys
            if is_known or not self._has_room(session.site, session.nas):
                self.counters["not-restored"] += 1
                continue
            is_unknown = self._sites.get(session.site) is None
            self._open(replace(session, addresses=()))
            for held in session.addresses:
                self._claim(session.key, held.address, held.source, held.seen_at)
            if session.is_own or is_unknown:
                self._end(self._sessions[session.key], EndCause.RESTARTED, now)
        self.handle_timeout(now)

    # ---- out

    def next_event(self) -> Event | None:
        """What happened, in its order."""
        return self._events.popleft() if self._events else None

    def next_timeout(self) -> float | None:
        """When handle_timeout() has something to do."""
        return self._look_at if self._sessions or len(self._closed) else None

    def handle_timeout(self, now: float) -> None:
        """End what was not heard of for too long."""
        silent = [each for each in self._sessions.values() if each.expires_at is not None and each.expires_at <= now]
        for session in silent[:MAX_ENDED_AT_ONCE]:
            self._end(session, EndCause.EXPIRED, now)
        self._closed.expire(now)
        self._look_at = now if len(silent) > MAX_ENDED_AT_ONCE else now + LOOK_EVERY_S

    # ---- sessions

    def _heard(self, report: Report, now: float) -> bool:
        """Start or interim update: it may be the first that is heard of a session, when we were away."""
        live = self._sessions.get((report.site, report.mac))
        reason = self._disbelief(report, live, now)
        if reason:
            self.counters[reason] += 1
            return True
        if live is not None and _is_same(live, report):
            self._renew(live, report, now)
        elif not self._opened(report, live, now):
            return False
        self._take_addresses(report, now)
        return True

    def _disbelief(self, report: Report, live: Session | None, now: float) -> str:
        """Why a Start or an update opens and changes nothing, as the name of a counter; "" when it does."""
        if not report.mac or report.mac[0] & 1:
            return "no-mac"
        if not report.session_id:
            return "no-session-id"
        is_start = report.kind is Kind.START
        if report.id in self._closed and not self._closed.begins_anew(report.id, report.told_at, is_start=is_start):
            return "after-its-end"
        expires_at = self._expiry(report, now)
        if expires_at is not None and expires_at <= now:
            return "too-old"
        if live is None or _is_same(live, report):
            return ""
        if now - report.age_s < live.opened_at:
            return "older-than-the-live-one"
        # A switch that did not see the device leave goes on with its updates; only a Start says that it has come.
        is_silent = live.expires_at is not None and now - live.heard_at > max(report.interim_s, 1.0)
        return "" if report.kind is Kind.START or is_silent else "update-of-another"

    def _opened(self, report: Report, live: Session | None, now: float) -> bool:
        key = (report.site, report.mac)
        if live is None and not self._has_room(report.site, report.nas):
            return False
        other = self._keys.get(report.id)
        if other is not None and other != key:
            # Its Acct-Session-Id names another device now.
            self._end(self._sessions[other], EndCause.REPLACED, now, closes=False)
        stays = live is not None and _is_same_line(live, report)
        if live is not None:
            self._end(live, EndCause.REPLACED, now, keeps_addresses=stays)
        self._closed.discard(report.id)
        heard_at = now - report.age_s
        session = Session(
            report.site, report.mac, report.nas, report.session_id, opened_at=heard_at, heard_at=heard_at,
            expires_at=self._expiry(report, now), is_own=report.is_own, naming=report.naming,
            told_at=report.told_at, ends_at=_end(report, heard_at), is_renewable=report.is_renewable,
            **_attributes(report),
        )  # fmt: skip
        self._open(session)
        site = self._sites.get(report.site)
        for address in site.static_addresses(report.mac) if site is not None else ():
            self._claim(key, address, Source.STATIC, now)
        return True

    def _open(self, session: Session) -> None:
        session = replace(session, addresses=self._book.of(session.key))
        self._sessions[session.key] = session
        self._keys[session.site, session.nas, session.session_id] = session.key
        self._of_nas.setdefault((session.site, session.nas), set()).add(session.key)
        if self._look_at is None:
            self._look_at = session.heard_at
        self._events.append(Opened(session))

    def _renew(self, live: Session, report: Report, now: float) -> None:
        """A switch leaves out of an update what it has said before; our own authenticator says everything."""
        said = _attributes(report)
        fresh = replace(
            live,
            heard_at=max(live.heard_at, now - report.age_s),
            expires_at=self._later(live, report, now),
            naming=live.naming.and_then(report.naming),
            told_at=report.told_at if live.told_at is None else max(live.told_at, report.told_at or 0),
            **(said if report.is_own else {name: value for name, value in said.items() if value}),
        )
        if report.is_own:
            fresh = replace(fresh, ends_at=_end(report, now), is_renewable=report.is_renewable)
        self._sessions[live.key] = fresh
        is_same = live == replace(
            fresh, heard_at=live.heard_at, expires_at=live.expires_at, naming=live.naming, told_at=live.told_at,
            ends_at=live.ends_at,
        )  # fmt: skip
        self._events.append(Heard(fresh) if is_same else Changed(live, fresh))

    def _stopped(self, report: Report, now: float) -> bool:
        if not report.session_id:
            self.counters["no-session-id"] += 1
            return True
        key = self._keys.get(report.id)
        if key is not None:
            self._end(self._sessions[key], EndCause.STOPPED, now, report.cause)
        # A Start that was held up on the way opens nothing any more.
        self._closed.add(report.id, now, report.told_at, is_told=True)
        return True

    def _restarted(self, report: Report, now: float) -> bool:
        """Of this NAS alone; what it began after that goes on."""
        for key in list(self._of_nas.get((report.site, report.nas), ())):
            session = self._sessions[key]
            if session.opened_at <= now - report.age_s:
                self._end(session, EndCause.NAS_RESTARTED, now, report.cause, closes=False)
        self._closed.forget(report.site, report.nas)
        return True

    def _end(
        self, session: Session, cause: EndCause, now: float, detail: str = "", *, closes: bool = True,
        keeps_addresses: bool = False,
    ) -> None:  # fmt: skip
        del self._sessions[session.key]
        del self._keys[session.site, session.nas, session.session_id]
        of_nas = self._of_nas[session.site, session.nas]
        of_nas.discard(session.key)
        if not of_nas:
            del self._of_nas[session.site, session.nas]
        if closes and cause is not EndCause.EXPIRED:
            # One that fell silent may be heard of again.
            self._closed.add((session.site, session.nas, session.session_id), now, session.told_at)
        if keeps_addresses:
            session = replace(session, addresses=())
        else:
            self._book.release(session.key)
        self._events.append(Ended(session, cause, detail))

    def _has_room(self, site: str, nas: str) -> bool:
        is_full = len(self._sessions) >= self._settings.max_sessions
        if is_full or len(self._of_nas.get((site, nas), ())) >= self._settings.max_sessions_per_nas:
            self.counters["full"] += 1
            return False
        return True

    def _expiry(self, report: Report, now: float) -> float | None:
        if report.is_own:
            return None
        return now - report.age_s + MISSED_INTERIMS * report.interim_s + self._settings.grace_s

    def _later(self, live: Session, report: Report, now: float) -> float | None:
        expires_at = self._expiry(report, now)
        if expires_at is None or live.expires_at is None:
            return expires_at
        # An update that was held up says less than one that came before it.
        return expires_at if now - report.age_s >= live.heard_at else live.expires_at

    # ---- addresses

    def _take_addresses(self, report: Report, now: float) -> None:
        key = (report.site, report.mac)
        known = [str(found) for each in report.addresses if (found := address_of(each)) is not None]
        taken = [address for address in known if self._claim(key, address, Source.ACCOUNTING, now - report.age_s)]
        if taken:
            self._note(self._book.keep_only(key, taken, Source.ACCOUNTING))

    def _claim(self, key: Key, address: str, source: Source, now: float) -> bool:
        found = address_of(address)
        if found is None or not self._sites.holds(key[0], found):
            self.counters["address-outside-the-site"] += 1
            return False
        outcomes = self._book.claim(key, str(found), source, now)
        if outcomes is None:
            self.counters["address-known-better"] += 1
            return False
        self._note(outcomes)
        self._sessions[key] = replace(self._sessions[key], addresses=self._book.of(key))
        return True

    def _note(self, outcomes: Sequence[Outcome]) -> None:
        for each in outcomes:
            session = replace(self._sessions[each.key], addresses=self._book.of(each.key))
            self._sessions[each.key] = session
            if isinstance(each, Gain):
                self._events.append(Bound(session, each.held))
            else:
                self._events.append(Revoked(session, each.held, each.cause, each.by))


def _is_same(live: Session, report: Report) -> bool:
    return (live.nas, live.session_id) == (report.nas, report.session_id)


def _end(report: Report, since: float) -> float | None:
    return None if report.lasts_s is None else since + report.lasts_s


def _attributes(report: Report) -> dict[str, Any]:
    """What a report says of a session that may change while it lives."""
    return {
        "identity": report.identity, "port": report.port, "role": report.role, "vlan": report.vlan,
        "entry": report.entry,
    }  # fmt: skip


def _is_same_line(live: Session, report: Report) -> bool:
    """Whether the same device began anew where it was, with the same rights: its addresses are still right."""
    before = (live.nas, live.port, live.vlan, live.identity, live.role)
    return before == (report.nas, report.port, report.vlan, report.identity, report.role)
