"""Calls that came in, and every answered call until its end."""
