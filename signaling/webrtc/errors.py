"""What may go wrong between a browser and us, with the word the page gets."""

from __future__ import annotations


class WebrtcError(Exception):
    """Base of the package; `code` goes to the page, which has a sentence for it in each language."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class MessageError(WebrtcError):
    """A signalling message cannot be used; it counts as a strike."""


class SdpError(WebrtcError):
    """A session description cannot be used (RFC 8866, RFC 8829)."""


class CallError(WebrtcError):
    """The call cannot go on; the page is told goodbye with this code."""
