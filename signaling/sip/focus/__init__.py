"""The conference as a SIP focus (RFC 4579): who takes part is told to those who subscribe (RFC 4575)."""
