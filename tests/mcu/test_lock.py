"""The words for the cipher of a leg."""

from __future__ import annotations

from mcu.lock import cipher_of, has_integrity
from mcu.media import DtlsPeer, Grade, H235Keys, Kind, LegMedia, SdesKeys, StreamSpec


def leg(**lock: object) -> LegMedia:
    stream = StreamSpec("1", Kind.AUDIO, **lock)  # type: ignore[arg-type]
    return LegMedia((stream,), is_encrypted=bool(lock), grade=Grade.OPPORTUNISTIC if lock else Grade.CLEAR)


def test_each_way_of_encryption_has_its_name() -> None:
    assert cipher_of(leg()) == ""
    assert cipher_of(leg(sdes=SdesKeys("AES_256_CM_HMAC_SHA1_80", b"", b""))) == "SRTP AES_256_CM_HMAC_SHA1_80"
    assert cipher_of(leg(dtls=DtlsPeer("sha-256", "AB", is_client=True))) == "DTLS-SRTP"
    assert cipher_of(leg(h235=H235Keys(remote=((97, bytes(32)),)))) == "H.235.6 AES-256-CBC"


def test_only_h235_media_can_be_changed_unnoticed() -> None:
    assert has_integrity(leg(sdes=SdesKeys("AES_CM_128_HMAC_SHA1_80", b"", b"")))
    assert not has_integrity(leg(h235=H235Keys(bytes(16))))
    assert not has_integrity(leg())
