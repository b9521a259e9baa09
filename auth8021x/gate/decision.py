"""The decision: a question and a session in, a verdict out. Pure.

Closed unless something opens it: an unknown device, a guest, another's session and a directory that says nothing are
all refused where a site enforces.
"""

from __future__ import annotations

from enum import Enum, auto

from auth8021x.directory.session import Entry, Session
from auth8021x.gate import rules
from auth8021x.gate.verdict import Proof, Question, Reason, Verdict
from auth8021x.sites import Networks, Site, Sites, address_of
from config.dot1x_sites import Dot1xGateSettings, Mode


class Unanswered(Enum):
    """What the directory says when it says nothing."""

    YES = auto()


class Decision:
    """First early(); where that names a site, its directory is asked, and late() has the verdict."""

    def __init__(self, settings: Dot1xGateSettings, sites: Sites) -> None:
        self._settings = settings
        self._sites = sites
        self._exempt = Networks(settings.exempt)

    def early(self, question: Question) -> Verdict | Site:
        """The verdict where it needs no session; else the site of the source."""
        site = self._sites.find(question.source, question.local)
        mode, name = self._mode(site), site.name if site is not None else ""
        if mode == "off":
            return Verdict(True, Reason.OFF, name)
        if question.protocol not in self._settings.protocols:
            return Verdict(True, Reason.NOT_ASKED, name)
        if self._is_exempt(question.source, site):
            is_proven = question.proof is not Proof.NONE
            return Verdict(True, Reason.EXEMPT, name) if is_proven else _refused(mode, Reason.UNPROVEN, name)
        return site or _refused(mode, Reason.NO_SESSION, name)

    def late(self, question: Question, site: Site, found: Session | Unanswered | None) -> Verdict:
        """With what the directory said about the source."""
        mode = self._mode(site)
        if isinstance(found, Unanswered):
            return _refused(mode, Reason.NO_ANSWER, site.name)
        if found is None:
            return _refused(mode, Reason.NO_SESSION, site.name)
        if found.entry is Entry.GUEST:
            return _refused(mode, Reason.GUEST, site.name, found)
        asks_name = question.protocol in self._settings.identities
        claimed = (*question.aliases, question.typed_name) if question.typed_name else question.aliases
        if asks_name and not rules.may_call_as(site, found, claimed):
            return _refused(mode, Reason.OTHER_IDENTITY, site.name, found)
        return Verdict(True, Reason.SESSION, site.name, found)

    def needs_session(self, site: str, address: str) -> bool:
        """Whether whoever calls from there may go on only as long as there is a session."""
        found = self._sites.get(site)
        return found is not None and self._mode(found) == "enforce" and not self._is_exempt(address, found)

    def _mode(self, site: Site | None) -> Mode:
        return self._settings.elsewhere if site is None else site.settings.mode

    def _is_exempt(self, source: str, site: Site | None) -> bool:
        address = address_of(source)
        return address in self._exempt or (site is not None and address in site.exempt)


def _refused(mode: Mode, reason: Reason, site: str, session: Session | None = None) -> Verdict:
    """A site that only watches lets everybody in."""
    return Verdict(mode == "monitor", reason, site, session)
