"""What can be wrong before a call."""

from __future__ import annotations


class OptionError(ValueError):
    """An option makes no sense; the text says which and why, never with a secret in it."""
