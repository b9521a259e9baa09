"""Orders to the hospital's own switches: sessions that are over here are ended there, too (RFC 5176)."""
