"""The registrar (RFC 3261 10, RFC 5626): terminals, where they are, and who proves to be one."""
