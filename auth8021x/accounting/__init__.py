"""The accounting listener: what the hospital's own switches tell about sessions (RFC 2866)."""
