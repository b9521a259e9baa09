"""What the log keeps of registrations and failed proofs: who, from where, what; never a secret or what was tried."""

from __future__ import annotations

import logging
from collections.abc import Callable

from signaling.sip.registry.registrar import Failure
from signaling.sip.registry.registrations import Change, Event

audit = logging.getLogger("audit.sip")

_WINDOW_S = 60.0


class RegistrationAudit:
    """Writes lines: every change, and at most so many failures a minute; `clock` gives seconds."""

    def __init__(self, failures_per_minute: int, clock: Callable[[], float]) -> None:
        self._limit = failures_per_minute
        self._clock = clock
        self._window_began = clock()
        self._written = 0
        self.suppressed = 0
        """Failures that got no line of their own; cumulative."""
        self._unsaid = 0

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
        self.flush()
        if self._written >= self._limit:
            self.suppressed += 1
            self._unsaid += 1
            return
        self._written += 1
        flow = failure.flow
        name = "".join(char if char.isprintable() else "?" for char in failure.username[:64])
        audit.warning(
            "terminal=%r not proven method=%s from=%s:%s:%d outcome=%s",
            name, failure.method, flow.transport, *flow.remote, failure.outcome.value,
        )  # fmt: skip

    def flush(self) -> None:
        """Begin a new minute where the last one is over, and say how much was not written in it."""
        now = self._clock()
        if now - self._window_began < _WINDOW_S:
            return
        if self._unsaid:
            audit.warning("%d further failures in the last %.0f s", self._unsaid, now - self._window_began)
        self._window_began, self._written, self._unsaid = now, 0, 0
