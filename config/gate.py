"""Settings of the gate: how many tries, how slow, how long blocked, and the cost of one passcode hash."""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=7 * 86_400)]


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Admission to rooms, for every protocol."""

    tries_per_call: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    """Passcodes one call may try."""

    source_free_failures: Positive = 3
    """Failures of one source (IPv4 address, IPv6 /64) that cost nothing."""
    source_delay_s: Seconds = 0.5
    """Wait before the answer after the first failure beyond those; doubles with every further one."""
    source_max_delay_s: Seconds = 8.0
    """Longest wait before an answer."""
    source_refused_failures: Positive = 10
    """From this many failures on, a source is refused at once until its pause is over."""
    source_pause_s: Seconds = 30.0
    """First pause of a refused source; doubles with every further failure."""
    source_max_pause_s: Seconds = 600.0
    """Longest pause of a source."""
    source_forgotten_s: Seconds = 900.0
    """A source that did not fail for so long starts afresh."""

    room_failures: Positive = 20
    """Wrong passcodes of a room within the window that are still allowed; one more blocks it for strangers."""
    room_window_s: Seconds = 600.0
    """Window in which wrong passcodes of a room are counted."""
    room_block_s: Seconds = 600.0
    """First block of a room; the next one lasts twice as long, and so on."""
    room_max_block_s: Seconds = 86_400.0
    """Longest block of a room."""
    room_forgotten_s: Seconds = 86_400.0
    """So long after its last block a room starts afresh with the first duration."""

    host_wait_s: Seconds = 1800.0
    """A caller waits this long for the host before being told that there is none."""
    recheck_s: Seconds = 5.0
    """Waiting callers are checked again this often even when nobody reported a change."""

    max_sources: Positive = 20_000
    """Sources remembered; the one not heard of longest is forgotten first."""
    max_calls: Positive = 20_000
    """Calls remembered."""
    max_rooms: Positive = 20_000
    """Rooms with wrong passcodes remembered."""
    max_in_line: Positive = 1024
    """Admissions in progress, all sources together."""
    max_in_line_per_source: Positive = 64
    """Admissions in progress from one source; they are worked off one after the other."""
    max_waiting: Positive = 512
    """Callers waiting for a host, all rooms together."""
    max_waiting_per_room: Positive = 32
    """Callers waiting outside one room."""

    busy_retry_after_s: Seconds = 30.0
    """When those whom a busy machine has no room for may try again (Retry-After, RFC 3261 20.33)."""

    hash_memory_kib: Annotated[int, msgspec.Meta(ge=8192, le=1 << 20)] = 19_456
    """Argon2id memory of one hash (19 MiB: OWASP's first choice)."""
    hash_iterations: Annotated[int, msgspec.Meta(ge=1, le=20)] = 2
    """Argon2id passes."""
    hashes_at_once: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    """Hashes computed at the same time; memory and processor time are bounded by this."""
    max_hashes_waiting: Positive = 256
    """Hashes waiting for their turn; past it the answer is: slow down."""
