"""H.239 in capabilities (7): the control capability, and pictures with a role."""

from __future__ import annotations

from typing import Any

from signaling.h323.h245 import generic_message

CONTROL_OID = (0, 0, 8, 239, 1, 1)
EXTENDED_VIDEO_OID = (0, 0, 8, 239, 1, 2)
_ROLE_LABEL = 1
PRESENTATION = 1
LIVE = 2


def control() -> tuple[str, Any]:
    """The genericControlCapability that says H.239."""
    return ("genericControlCapability", {"capabilityIdentifier": generic_message.identifier(CONTROL_OID)})


def is_control(value: Any) -> bool:
    """Whether a capability is the one of control()."""
    name, body = value
    return name == "genericControlCapability" and _oid(body) == CONTROL_OID


def write(video: Any) -> tuple[str, Any]:
    """An extendedVideoCapability of the presentation role."""
    role = {
        "capabilityIdentifier": generic_message.identifier(EXTENDED_VIDEO_OID),
        "collapsing": [generic_message.parameter(_ROLE_LABEL, "booleanArray", PRESENTATION)],
    }
    return ("extendedVideoCapability", {"videoCapability": [video], "videoCapabilityExtension": [role]})


def read(value: Any) -> list[Any]:
    """The VideoCapabilities that may carry a presentation; of a terminal that names no role all of them."""
    name, body = value
    if name != "extendedVideoCapability":
        return []
    for extension in body.get("videoCapabilityExtension", ()):
        if _oid(extension) == EXTENDED_VIDEO_OID:
            roles = generic_message.numbers([*extension.get("collapsing", ()), *extension.get("nonCollapsing", ())])
            if not roles.get(_ROLE_LABEL, PRESENTATION) & PRESENTATION:
                return []
    videos: list[Any] = body["videoCapability"]
    return videos


def _oid(body: Any) -> tuple[int, ...] | None:
    return generic_message.oid_of(body["capabilityIdentifier"])
