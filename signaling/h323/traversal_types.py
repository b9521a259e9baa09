"""The ASN.1 of firewall traversal, which pycrate does not bring: H.460.18 Annex A and H.460.19 Annex A.

Written as pycrate's compiler would, on top of its H.225.0 and H.245.
"""

# ruff: noqa: SLF001, RUF012  (pycrate wants its types so)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycrate_asn1dir import H225
from pycrate_asn1rt.asnobj_basic import INT
from pycrate_asn1rt.asnobj_construct import CHOICE, SEQ
from pycrate_asn1rt.dictobj import ASN1Dict
from pycrate_asn1rt.init import init_modules
from pycrate_asn1rt.refobj import ASN1RefType
from pycrate_asn1rt.setobj import ASN1RangeInt, ASN1Set
from pycrate_asn1rt.utils import MODE_TYPE, TAG_CONTEXT_SPEC, TAG_EXPLICIT, TAG_IMPLICIT

_H225, _H245 = H225.H323_MESSAGES._name_, H225.MULTIMEDIA_SYSTEM_CONTROL._name_


def _member(
    kind: Any, name: str, place: int, *, reference: tuple[str, str] | None = None, optional: bool = True
) -> Any:
    tag = (place, TAG_CONTEXT_SPEC, TAG_EXPLICIT if kind is CHOICE else TAG_IMPLICIT)
    typeref = {} if reference is None else {"typeref": ASN1RefType(reference)}
    return kind(name=name, mode=MODE_TYPE, tag=tag, **({"opt": True} if optional else {}), **typeref)


def _number(name: str, place: int, largest: int) -> Any:
    member = _member(INT, name, place)
    member._const_val = ASN1Set(rv=[], rr=[ASN1RangeInt(lb=0, ub=largest)], ev=None, er=[])
    return member


def _sequence(name: str, members: Sequence[Any]) -> Any:
    sequence = SEQ(name=name, mode=MODE_TYPE)
    sequence._cont = ASN1Dict([(member._name, member) for member in members])
    sequence._ext = []
    return sequence


_INDICATION = (
    _member(CHOICE, "callSignallingAddress", 0, reference=(_H225, "TransportAddress"), optional=False),
    _member(SEQ, "callID", 1, reference=(_H225, "CallIdentifier"), optional=False),
)
_PARAMETERS = (
    _member(CHOICE, "multiplexedMediaChannel", 0, reference=(_H245, "TransportAddress")),
    _member(CHOICE, "multiplexedMediaControlChannel", 1, reference=(_H245, "TransportAddress")),
    _number("multiplexID", 2, 0xFFFFFFFF),
    _member(CHOICE, "keepAliveChannel", 3, reference=(_H245, "TransportAddress")),
    _number("keepAlivePayloadType", 4, 127),
    _member(INT, "keepAliveInterval", 5, reference=(_H225, "TimeToLive")),
)


class _Module:
    _name_ = "H460-TRAVERSAL"
    _oid_: list[int] = []
    _obj_ = ["IncomingCallIndication", "TraversalParameters"]
    _type_ = _obj_
    _set_: list[str] = []
    _val_: list[str] = []
    _class_: list[str] = []
    _param_: list[str] = []
    IncomingCallIndication = _sequence("IncomingCallIndication", _INDICATION)
    TraversalParameters = _sequence("TraversalParameters", _PARAMETERS)
    _all_ = [*_INDICATION, IncomingCallIndication, *_PARAMETERS, TraversalParameters]


init_modules(_Module)
IncomingCallIndication: Any = _Module.IncomingCallIndication
"""H.460.18: where the terminal is to call back, and for which call."""
TraversalParameters: Any = _Module.TraversalParameters
"""H.460.19: where multiplexed media and keep-alive packets go."""
