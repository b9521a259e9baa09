"""What may go wrong in the store, as callers tell it apart."""

from __future__ import annotations


class StoreError(Exception):
    """Base of all; the text is fit to be shown to an administrator."""


class NotFound(StoreError):
    """There is no such thing (any more)."""


class Outdated(StoreError):
    """Somebody else has changed it meanwhile."""


class AlreadyExists(StoreError):
    """The number, alias, name or id is taken."""


class Invalid(StoreError):
    """A value is outside what may be stored; the text says which and what is allowed."""


class Unavailable(StoreError):
    """The database cannot be reached or is not a database of ours."""
