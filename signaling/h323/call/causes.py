"""Why a call ends: ReleaseCompleteReason of H.225.0 and the cause of Q.931, each from the other."""

from __future__ import annotations

from enum import IntEnum


class Cause(IntEnum):
    """Cause values (Q.850) that we send or act on."""

    UNALLOCATED_NUMBER = 1
    NO_ROUTE_TO_DESTINATION = 3
    NORMAL_CLEARING = 16
    USER_BUSY = 17
    NO_USER_RESPONDING = 18
    NO_ANSWER = 19
    SUBSCRIBER_ABSENT = 20
    CALL_REJECTED = 21
    EXCHANGE_ROUTING_ERROR = 25
    DESTINATION_OUT_OF_ORDER = 27
    INVALID_NUMBER_FORMAT = 28
    RESPONSE_TO_STATUS_ENQUIRY = 30
    NORMAL_UNSPECIFIED = 31
    NO_CIRCUIT = 34
    NETWORK_OUT_OF_ORDER = 38
    TEMPORARY_FAILURE = 41
    CONGESTION = 42
    RESOURCE_UNAVAILABLE = 47
    NOT_IMPLEMENTED = 79
    INVALID_CALL_REFERENCE = 81
    INCOMPATIBLE_DESTINATION = 88
    INVALID_CONTENTS = 100
    WRONG_STATE = 101
    TIMER_EXPIRED = 102
    PROTOCOL_ERROR = 111
    INTERWORKING = 127


UNDEFINED_REASON = "undefinedReason"


def cause_of(reason: str) -> Cause:
    """The cause that a ReleaseCompleteReason, by its ASN.1 name, stands for (H.225.0 table 5)."""
    return _CAUSES.get(reason, Cause.NORMAL_UNSPECIFIED)


def reason_of(cause: int) -> str:
    """The ReleaseCompleteReason that says the same as a cause, undefinedReason where none does."""
    return _REASONS.get(cause, UNDEFINED_REASON)


_CAUSES: dict[str, Cause] = {
    "noBandwidth": Cause.NO_CIRCUIT,
    "gatekeeperResources": Cause.RESOURCE_UNAVAILABLE,
    "unreachableDestination": Cause.NO_ROUTE_TO_DESTINATION,
    "destinationRejection": Cause.NORMAL_CLEARING,
    "invalidRevision": Cause.INCOMPATIBLE_DESTINATION,
    "noPermission": Cause.INTERWORKING,
    "unreachableGatekeeper": Cause.NETWORK_OUT_OF_ORDER,
    "gatewayResources": Cause.CONGESTION,
    "badFormatAddress": Cause.INVALID_NUMBER_FORMAT,
    "adaptiveBusy": Cause.TEMPORARY_FAILURE,
    "inConf": Cause.USER_BUSY,
    "undefinedReason": Cause.NORMAL_UNSPECIFIED,
    "facilityCallDeflection": Cause.NORMAL_CLEARING,
    "securityDenied": Cause.NORMAL_UNSPECIFIED,
    "calledPartyNotRegistered": Cause.SUBSCRIBER_ABSENT,
    "callerNotRegistered": Cause.NORMAL_UNSPECIFIED,
    "newConnectionNeeded": Cause.RESOURCE_UNAVAILABLE,
    "nonStandardReason": Cause.INTERWORKING,
    "replaceWithConferenceInvite": Cause.NORMAL_UNSPECIFIED,
    "genericDataReason": Cause.NORMAL_UNSPECIFIED,
    "neededFeatureNotSupported": Cause.NORMAL_UNSPECIFIED,
    "tunnelledSignallingRejected": Cause.INTERWORKING,
    "invalidCID": Cause.NO_ROUTE_TO_DESTINATION,
    "securityError": Cause.NORMAL_UNSPECIFIED,
    "hopCountExceeded": Cause.EXCHANGE_ROUTING_ERROR,
}

_REASONS: dict[int, str] = {
    Cause.UNALLOCATED_NUMBER: "calledPartyNotRegistered",
    Cause.NO_ROUTE_TO_DESTINATION: "unreachableDestination",
    # Table 5 makes normal clearing of destinationRejection; but terminals show that as "rejected", after a good call.
    Cause.NORMAL_CLEARING: "undefinedReason",
    Cause.USER_BUSY: "inConf",
    Cause.SUBSCRIBER_ABSENT: "calledPartyNotRegistered",
    Cause.CALL_REJECTED: "destinationRejection",
    Cause.EXCHANGE_ROUTING_ERROR: "hopCountExceeded",
    Cause.DESTINATION_OUT_OF_ORDER: "unreachableDestination",
    Cause.INVALID_NUMBER_FORMAT: "badFormatAddress",
    Cause.NO_CIRCUIT: "noBandwidth",
    Cause.NETWORK_OUT_OF_ORDER: "unreachableGatekeeper",
    Cause.TEMPORARY_FAILURE: "adaptiveBusy",
    Cause.CONGESTION: "gatewayResources",
    Cause.RESOURCE_UNAVAILABLE: "gatekeeperResources",
    Cause.INCOMPATIBLE_DESTINATION: "invalidRevision",
}
