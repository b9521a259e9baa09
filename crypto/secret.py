"""Text that must not be shown: passcodes and passwords on their way to the hash."""

from __future__ import annotations

_SHOWN = "***"


class Secret(str):
    """A str that prints as stars in logs, formatted strings and reprs; compare and encode it like any str.

    Joining, slicing or encoding gives the real text: only do that where it is hashed.
    """

    __slots__ = ()

    def reveal(self) -> str:
        """The plain text."""
        return str.__str__(self)

    def __str__(self) -> str:
        return _SHOWN

    def __repr__(self) -> str:
        return f"Secret('{_SHOWN}')"

    def __format__(self, format_spec: str) -> str:
        return format(_SHOWN, format_spec)
