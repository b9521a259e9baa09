"""What can go wrong with one packet or one prompt; nothing here ever ends a tick."""

from __future__ import annotations


class AudioError(Exception):
    """Base of the errors of this package."""


class BadPacketError(AudioError):
    """A payload that its codec cannot read; the caller conceals and counts it."""


class LibraryError(AudioError):
    """A codec library is missing or refused to make an encoder or decoder."""
