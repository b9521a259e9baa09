"""Which worker holds a room, and how to talk to it."""
