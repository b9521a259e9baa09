"""RTP without I/O: packets, feedback, frames and clocks. Nothing here knows of sockets, tasks or the time of day.

Every time is an integer of CLOCK_MONOTONIC microseconds that the caller passes in; every random number too. What a
peer sends never raises: it becomes a value, None, or a count.
"""
