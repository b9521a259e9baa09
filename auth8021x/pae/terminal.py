"""One terminal on a port: what it is granted by EAP, by its address or by policy, and its accounting. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from auth8021x.pae import auth_pae
from auth8021x.pae.actions import Account, Action, Admit, Expel, Refuse
from auth8021x.pae.authenticator import Authenticator
from auth8021x.pae.bypass import Bypass
from auth8021x.pae.bypass import State as BypassState
from auth8021x.pae.grant import By, Grant
from auth8021x.pae.nas import NasPort
from auth8021x.radius.request import Chance
from auth8021x.wire import attribute
from auth8021x.wire.attribute import Attribute
from auth8021x.wire.dictionary import AcctAuthentic, AcctStatusType, TerminateCause, Type
from config.dot1x import PaeSettings


class Terminal:
    """See above. `eap_ticket` and `bypass_ticket` are of the questions that servers have not answered yet."""

    def __init__(
        self, mac: bytes, port: NasPort, settings: PaeSettings, chance: Chance, now: float, identifier: int
    ) -> None:
        self.mac = mac
        self.authenticator = Authenticator(settings, now, identifier)
        self.bypass = Bypass(settings, mac)
        self.eap_ticket = self.bypass_ticket = 0
        self.seen_at = now
        self.grant: Grant | None = None
        """What has been granted by an Admit."""
        self.session = ""
        self.is_gone = False
        """The line went down, or it has to make room."""
        self._port = port
        self._settings = settings
        self._chance = chance
        self._began_at = 0.0
        self._interim_at = math.inf
        self._renewals = 0
        self._refusal: Refuse | None = None
        """What has been told."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is known of it that would be lost."""
        return self.grant is None and not self.eap_ticket and not self.bypass_ticket

    @property
    def is_guest(self) -> bool:
        """Whether it is in without having proved anything."""
        return self.grant is not None and self.grant.by is By.GUEST

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself: it spoke no EAP, and is not let in otherwise."""
        is_paused = not self.authenticator.variables.port_enabled
        return is_paused and self.is_idle and self.bypass.state is BypassState.IDLE

    @property
    def refusal(self) -> Refuse | None:
        """Why it is refused at this moment; None where it is not."""
        if self.bypass.state is BypassState.REFUSED:
            return Refuse(self.mac, "", self.bypass.reason)
        if self.authenticator.auth_pae.state is not auth_pae.State.HELD:
            return None
        claimed = self.authenticator.conversation.identity.decode("utf-8", "replace")
        return Refuse(self.mac, claimed, self.authenticator.last_reason or "failed")

    def fall_back(self, now: float) -> None:
        """It speaks no EAP: look it up by its address, where that is wanted."""
        self.authenticator.pause(now)
        if self._settings.bypass == "silent":
            self.bypass.ask()

    def settle(self, now: float) -> Iterator[Action]:
        """What follows from what the machines say now."""
        if self.authenticator.grant is not None or self.authenticator.auth_pae.state is auth_pae.State.HELD:
            # Who speaks EAP, be it right or wrong, is in by nothing else: anybody can have that address.
            self.bypass.end(TerminateCause.SUPPLICANT_RESTART)
        refusal = self.refusal
        if refusal != self._refusal:
            self._refusal = refusal
            if refusal is not None:
                yield refusal
        wanted = self._wanted()
        is_renewed = self._renewals != self.authenticator.renewals
        self._renewals = self.authenticator.renewals
        if wanted == self.grant and not is_renewed:
            return
        if wanted is None:
            yield from self._expel(now)
        else:
            yield from self._admit(wanted, now)

    def interim(self, now: float) -> Iterator[Action]:
        """An update of accounting, where its time has come."""
        if self._interim_at <= now and self.grant is not None:
            self._set_interim(self.grant, now)
            yield self._account(AcctStatusType.INTERIM_UPDATE, self.grant, now)

    def next_timeout(self) -> float:
        """When something is to be done; infinity for never."""
        return min(self._interim_at, self.authenticator.due_at(), self.bypass.due_at)

    def _wanted(self) -> Grant | None:
        if self.is_gone:
            return None
        by_eap, by_address = self.authenticator.grant, self.bypass.grant
        if by_eap is not None or by_address is not None:
            return by_eap or by_address
        is_refused = self.authenticator.auth_pae.state is auth_pae.State.HELD
        is_quiet = not self.authenticator.variables.port_enabled and self.bypass.state is not BypassState.ASKED
        is_guest = (self._settings.guest == "all" and is_refused) or (self._settings.guest != "off" and is_quiet)
        return Grant("guest", By.GUEST, self._settings.guest_network) if is_guest else None

    def _admit(self, wanted: Grant, now: float) -> Iterator[Action]:
        before, self.grant = self.grant, wanted
        if before is not None and (before.by, before.identity) != (wanted.by, wanted.identity):
            yield from self._stop(before, TerminateCause.NAS_REQUEST, now)
            before = None
        if before is None:
            self.session = self._chance.octets(8).hex()
            self._began_at = now
        yield Admit(self.mac, wanted, self.session)
        self._set_interim(wanted, now)
        if before is None and wanted.by is not By.GUEST:
            yield self._account(AcctStatusType.START, wanted, now)

    def _expel(self, now: float) -> Iterator[Action]:
        before, self.grant = self.grant, None
        if before is None:
            return
        cause = self.bypass.cause if before.by is By.BYPASS else self.authenticator.cause
        yield Expel(self.mac, self.session, cause)
        yield from self._stop(before, cause, now)
        self._interim_at = math.inf

    def _stop(self, grant: Grant, cause: TerminateCause, now: float) -> Iterator[Action]:
        if grant.by is not By.GUEST:
            yield self._account(AcctStatusType.STOP, grant, now, attribute.number(Type.ACCT_TERMINATE_CAUSE, cause))

    def _set_interim(self, grant: Grant, now: float) -> None:
        asked_s = grant.interim_s if grant.by is not By.GUEST else None
        self._interim_at = math.inf if not asked_s else now + max(asked_s, self._settings.min_interim_s)

    def _account(self, status: AcctStatusType, grant: Grant, now: float, *more: Attribute) -> Account:
        lasted = () if status is AcctStatusType.START else (
            attribute.number(Type.ACCT_SESSION_TIME, max(0, int(now - self._began_at))),
        )  # fmt: skip
        return Account(
            self.session,
            status,
            (
                attribute.text(Type.USER_NAME, grant.identity),
                attribute.text(Type.ACCT_SESSION_ID, self.session),
                attribute.number(Type.ACCT_AUTHENTIC, AcctAuthentic.RADIUS),
                *self._port.attributes(self.mac),
                *(Attribute(Type.CLASS, each) for each in grant.classes),
                *lasted,
                *more,
            ),
        )
