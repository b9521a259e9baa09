"""The Client Management Entity of H.224 (clause 7): which clients an end has, and what they can do."""

from __future__ import annotations

from signaling.h224.frame import CME, H281, Frame

_CLIENT_LIST, _EXTRA_CAPABILITIES = 0x01, 0x02
_MESSAGE, _COMMAND = 0x00, 0xFF
_HAS_EXTRA = 0x80
_NO_PRESETS = 0x00
_MAIN_CAMERA = bytes((0x14, 0xF0))
"""A video source (H.281 6): number 1, the main camera, with a moving picture; it pans, tilts, zooms and focuses."""
_IDENTIFIER_BYTES = {0x7E: 2, 0x7F: 6}  # extended, and with country and manufacturer


def client_list() -> Frame:
    """We speak H.281, and have told or will tell what of it."""
    return Frame(CME, bytes((_CLIENT_LIST, _MESSAGE, 1, _HAS_EXTRA | H281)), is_urgent=True)


def client_list_command() -> Frame:
    """Asks for the list of the other end."""
    return Frame(CME, bytes((_CLIENT_LIST, _COMMAND)), is_urgent=True)


def extra_capabilities() -> Frame:
    """One camera without presets: remote controls that are told of none send nothing. Whose it is the room decides."""
    data = bytes((_EXTRA_CAPABILITIES, _MESSAGE, _HAS_EXTRA | H281, _NO_PRESETS)) + _MAIN_CAMERA
    return Frame(CME, data, is_urgent=True)


def asks_for_clients(frame: Frame) -> bool:
    """Whether the other end wants our list."""
    return frame.client == CME and frame.data[:2] == bytes((_CLIENT_LIST, _COMMAND))


def asks_for_capabilities(frame: Frame) -> bool:
    """Whether the other end wants to know what our camera control can do."""
    return (
        frame.client == CME
        and frame.data[:2] == bytes((_EXTRA_CAPABILITIES, _COMMAND))
        and len(frame.data) > 2
        and frame.data[2] & 0x7F == H281
    )


def clients_of(frame: Frame) -> list[int] | None:
    """The clients that a list names; None where the frame is no list."""
    data = frame.data
    if frame.client != CME or data[:2] != bytes((_CLIENT_LIST, _MESSAGE)) or len(data) < 3:
        return None
    found: list[int] = []
    position = 3
    while position < len(data) and len(found) < data[2]:
        client = data[position] & 0x7F
        found.append(client)
        position += _IDENTIFIER_BYTES.get(client, 1)
    return found
