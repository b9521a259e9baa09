"""Digest authentication, both sides (RFC 7616, RFC 8760)."""
