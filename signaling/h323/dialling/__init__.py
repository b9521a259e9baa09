"""Calls of H.323 that the server makes: whom a target means, and the call until its end."""
