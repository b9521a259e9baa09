"""Mends pycrate 0.8.1's aligned PER (X.691 19) of sequences with extension additions.

It encodes the additions before it has counted the bits of their bitmap: where the root ends inside an octet, an octet
too much goes out. It also shifts additions that it does not know by one. install() puts the right encoder in its place,
but only while is_needed() can show the fault, so a mended pycrate is left alone.
"""

# ruff: noqa: SLF001  (the fault is inside; the names are pinned by a test)

from __future__ import annotations

from typing import Any

from pycrate_asn1rt.asnobj_construct import _CONSTRUCT
from pycrate_asn1rt.codecs import ASN1CodecPER
from pycrate_asn1rt.utils import T_UINT

_original = _CONSTRUCT._to_per
_MOST_ADDITIONS = 64
"""A bitmap of more bits would be counted in another way (X.691 11.6); no H.323 type comes near."""


def is_needed(probe: Any) -> bool:
    """Whether the sequence type `probe`, set to a value with an addition after an odd root, is encoded wrongly."""
    value = probe.get_val()
    encoded = probe.to_aper()
    try:
        probe.from_aper(encoded)
        return bool(probe.get_val() != value or probe.to_aper() != encoded)
    except Exception:  # noqa: BLE001  what pycrate raises for what it cannot read has no common type
        return True
    finally:
        ASN1CodecPER._off.clear()


def install() -> None:
    """Encode all sequences by the encoder of this file from now on."""
    _CONSTRUCT._to_per = _to_per


def uninstall() -> None:
    """Pycrate's own again, for the test that asks whether it is still wrong."""
    _CONSTRUCT._to_per = _original


def _to_per(sequence: Any) -> list[Any]:
    """The fields of the root, then count and bitmap of the additions, then each addition as an open type."""
    value = sequence._val
    if sequence._ext is None or not any(_is_addition(sequence, name) for name in value):
        fields: list[Any] = _original(sequence)
        return fields
    sequence._val = {name: part for name, part in value.items() if not _is_addition(sequence, name)}
    fields = _original(sequence)
    sequence._val = value
    fields[0] = (T_UINT, 1, 1)  # the extension bit
    additions = _additions(sequence, value)
    count = max(len(sequence._ext_nest), max(additions) + 1)
    if count > _MOST_ADDITIONS:
        raise ValueError(f"{count} extension additions")
    bitmap = sum(1 << (count - 1 - index) for index in additions)
    fields += [(T_UINT, count - 1, 7), (T_UINT, bitmap, count)]
    ASN1CodecPER._off[-1] += 7 + count
    if ASN1CodecPER._off[-1] % 8:
        fields += ASN1CodecPER.encode_pad()
    for index in sorted(additions):
        fields += _open_type(sequence, additions[index])
    return fields


def _is_addition(sequence: Any, name: str) -> bool:
    return name in sequence._ext or name.startswith("_ext_")


def _additions(sequence: Any, value: dict[str, Any]) -> dict[int, Any]:
    """By their place in the bitmap: (type, value), or the octets of one that this version does not know."""
    found: dict[int, Any] = {}
    for index, names in enumerate(sequence._ext_nest):
        if isinstance(names, list):
            group = {name: value[name] for name in names if name in value}
            if group:
                identity = next(sequence._ext_ident[name] for name in names if name in value)
                found[index] = (sequence._ext_group_obj[identity], group)
        elif names in value:
            found[index] = (sequence._cont[names], value[names])
    for name, octets in value.items():
        if name.startswith("_ext_"):
            found[int(name.removeprefix("_ext_"))] = octets
    return found


def _open_type(sequence: Any, addition: Any) -> list[Any]:
    if isinstance(addition, bytes):
        fields: list[Any] = ASN1CodecPER.encode_unconst_buf(addition)
        return fields
    component, component._val = addition
    parent, component._parent = component._parent, sequence
    try:
        fields = ASN1CodecPER.encode_unconst_open(component)
    finally:
        component._parent = parent
    return fields
