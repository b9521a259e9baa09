"""Capability sets by hand, with the habits of terminals that are not ours."""

from __future__ import annotations

from typing import Any

AES_128 = (2, 16, 840, 1, 101, 3, 4, 1, 2)
AES_256 = (2, 16, 840, 1, 101, 3, 4, 1, 42)
DES = (1, 3, 14, 3, 2, 7)


def parameter(number: int, value: int, kind: str = "unsignedMin") -> dict[str, Any]:
    return {"parameterIdentifier": ("standard", number), "parameterValue": (kind, value)}


def h264(level: int, *more: dict[str, Any], profile: int = 64, rate: int = 19_200) -> tuple[str, Any]:
    body = {
        "capabilityIdentifier": ("standard", (0, 0, 8, 241, 0, 0, 1)),
        "maxBitRate": rate,
        "collapsing": [parameter(41, profile, "booleanArray"), parameter(42, level), *more],
    }
    return ("genericVideoCapability", body)


def h263(**sizes: int) -> tuple[str, Any]:
    annexes = dict.fromkeys(
        (
            "unrestrictedVector",
            "arithmeticCoding",
            "advancedPrediction",
            "pbFrames",
            "temporalSpatialTradeOffCapability",
        ),
        False,
    )
    return ("h263VideoCapability", {"maxBitRate": 3840, **annexes, **sizes})


def h261(**sizes: int) -> tuple[str, Any]:
    body = {"temporalSpatialTradeOffCapability": False, "maxBitRate": 3840, "stillImageTransmission": False}
    return ("h261VideoCapability", body | sizes)


def secured(entry: int, *oids: tuple[int, ...]) -> tuple[str, Any]:
    algorithms = {"encryptionCapability": [("algorithm", oid) for oid in oids]}
    return ("h235SecurityCapability", {"encryptionAuthenticationAndIntegrity": algorithms, "mediaCapability": entry})


def presentation(*videos: Any, role: int = 1) -> tuple[str, Any]:
    extension = {
        "capabilityIdentifier": ("standard", (0, 0, 8, 239, 1, 2)),
        "collapsing": [parameter(1, role, "booleanArray")],
    }
    return ("extendedVideoCapability", {"videoCapability": list(videos), "videoCapabilityExtension": [extension]})


def table(entries: dict[int, Any], sets: list[list[int]] | None = None, **more: Any) -> dict[str, Any]:
    """A TerminalCapabilitySet without its head."""
    body: dict[str, Any] = {
        "capabilityTable": [
            {"capabilityTableEntryNumber": number, "capability": capability} for number, capability in entries.items()
        ],
        **more,
    }
    if sets is not None:
        body["capabilityDescriptors"] = [{"capabilityDescriptorNumber": 0, "simultaneousCapabilities": sets}]
    return body


def multiplex(*descriptors: tuple[str, Any]) -> tuple[str, Any]:
    """The h2250Capability of a terminal, with payload formats."""
    unicast = {"multicastCapability": False, "multiUniCastConference": False, "mediaDistributionCapability": []}
    names = ("receiveMultipointCapability", "transmitMultipointCapability", "receiveAndTransmitMultipointCapability")
    body: dict[str, Any] = dict.fromkeys(names, unicast) | {
        "maximumAudioDelayJitter": 60,
        "mcCapability": {"centralizedConferenceMC": False, "decentralizedConferenceMC": False},
        "rtcpVideoControlCapability": False,
        "mediaPacketizationCapability": {
            "h261aVideoPacketization": False,
            "rtpPayloadType": [{"payloadDescriptor": each} for each in descriptors],
        },
    }
    return ("h2250Capability", body)


ROOM_SYSTEM = table(
    {
        1: ("receiveAudioCapability",
            ("genericAudioCapability", {"capabilityIdentifier": ("standard", (0, 0, 7, 7221, 1, 0))})),
        2: ("receiveAudioCapability", ("g722-64k", 60)),
        3: ("receiveAudioCapability", ("g711Ulaw64k", 60)),
        4: ("transmitAudioCapability", ("g711Alaw64k", 20)),
        10: ("receiveVideoCapability", h264(36, parameter(3, 216), parameter(4, 15))),
        11: ("receiveVideoCapability", h263(qcifMPI=1, cifMPI=1)),
        12: ("receiveVideoCapability", h261(qcifMPI=1, cifMPI=1)),
        20: ("receiveAndTransmitVideoCapability", presentation(h264(36, parameter(3, 216), parameter(4, 15)))),
        30: ("receiveAndTransmitDataApplicationCapability",
             {"application": ("h224", ("hdlcFrameTunnelling", 0)), "maxBitRate": 48}),
        40: ("receiveUserInputCapability", ("dtmf", 0)),
        41: ("genericControlCapability", {"capabilityIdentifier": ("standard", (0, 0, 8, 239, 1, 1))}),
        50: secured(2, DES, AES_128),
        51: secured(10, AES_128),
        52: secured(20, AES_128),
        53: secured(3, DES),
    },
    [[50, 2, 3, 1], [51, 10, 11, 12], [52, 20], [30], [40], [41]],
    multiplexCapability=multiplex(("oid", (0, 0, 8, 241, 0, 0, 0, 1)), ("rfc-number", 2429)),
)  # fmt: skip
"""A room system with content, a camera and AES-128."""

GATEWAY = table(
    {1: ("receiveAudioCapability", ("g711Ulaw64k", 20)), 2: ("receiveAudioCapability", ("g729", 2))}, [[1, 2]]
)
"""Of sound alone, as chan_ooh323."""
