"""Sockets that carry SIP messages (RFC 3261 18)."""
