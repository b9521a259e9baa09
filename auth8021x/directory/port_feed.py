"""What our own authenticator does, told to the directory: stands beside the driver that opens and closes its ports."""

from __future__ import annotations

from typing import Protocol

from auth8021x.directory.report import Granted, OwnPort, Report, cause_name
from auth8021x.wire.dictionary import TerminateCause


class Reports(Protocol):
    """Who takes reports: DirectoryKeeper."""

    def report(self, report: Report) -> bool:
        """Take it; False where there is no room for it: the terminal is on the network, and may not call."""


class PortFeed:
    """All ports of a site."""

    def __init__(
        self, reports: Reports, site: str, nas_identifier: str, renews_every_s: float | None = None
    ) -> None:  # fmt: skip
        """`renews_every_s`: see OwnPort."""
        self._renews_every_s = renews_every_s
        self._reports = reports
        self._site = site
        self._nas = nas_identifier
        self._is_stopped = False

    def stop(self) -> None:
        """Tell no more: that our own ports were closed by us is what the next start says (directory.restore)."""
        self._is_stopped = True

    def admit(self, port: str, mac: bytes, grant: Granted, session: str) -> None:
        """A terminal was let in, or what it may do has changed."""
        if not self._is_stopped:
            here = OwnPort(self._site, self._nas, port, self._renews_every_s)
            self._reports.report(here.admitted(mac, session, grant))

    def expel(self, port: str, mac: bytes, session: str, cause: TerminateCause) -> None:
        """It is in no longer."""
        if not self._is_stopped:
            self._reports.report(OwnPort(self._site, self._nas, port).expelled(mac, session, cause_name(cause)))
