"""What became of an order to a switch (RFC 5176 2)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Done, refused, or not answered."""

    is_done: bool
    error_cause: int | None = None
    """Error-Cause of a refusal (RFC 5176 3.5), where there was one."""
    has_answer: bool = True
