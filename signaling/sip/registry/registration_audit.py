"""What the log keeps of registrations and failed proofs: who, from where, what; never a secret or what was tried."""

from __future__ import annotations

import logging
from collections.abc import Callable

from audit.lines import AuditLines, shown
from signaling.sip.registry.registrar import Failure
from signaling.sip.registry.registrations import Change, Event

audit = logging.getLogger("audit.sip")


class RegistrationAudit:
    """Writes lines: every change, and at most so many failures a minute; `clock` gives seconds."""

    def __init__(self, failures_per_minute: int, clock: Callable[[], float]) -> None:
        self._failures = AuditLines(audit, failures_per_minute, clock, "failures")

    @property
    def suppressed(self) -> int:
        """Failures that got no line of their own; cumulative."""
        return self._failures.suppressed

    def changed(self, change: Change) -> None:
        """For Registrations.observe(). A terminal that only says that it is still there is no news."""
        if change.event is Event.REFRESHED:
            return
        binding = change.binding
        audit.info(
            "terminal=%s %s from=%s:%s:%d contact=%s agent=%r expires_s=%d",
            binding.alias, change.event.value, binding.flow.transport, *binding.flow.remote, binding.uri,
            binding.user_agent, binding.expires_at - binding.refreshed_at,
        )  # fmt: skip

    def failed(self, failure: Failure) -> None:
        """Somebody could not prove who they are."""
        flow = failure.flow
        self._failures.write(
            logging.WARNING, "terminal=%r not proven method=%s from=%s:%s:%d outcome=%s",
            shown(failure.username), failure.method, flow.transport, *flow.remote, failure.outcome.value,
        )  # fmt: skip

    def flush(self) -> None:
        """Begin a new minute where the last one is over, and say how much was not written in it."""
        self._failures.flush()
