"""Recordings: the process that writes and seals them, and the library that keeps and serves them."""
