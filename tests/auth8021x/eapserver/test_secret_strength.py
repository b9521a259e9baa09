"""Which secrets of switches are refused."""

import secrets

import pytest

from auth8021x.eapserver.nas_clients import NasClient
from auth8021x.eapserver.secret_strength import WeakSecretError, weakness
from config.dot1x_server import RadiusClientSettings


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("", "fewer than 16 characters"),
        ("testing123", "fewer than 16 characters"),
        ("k8#fQ2!xZp9$vT1", "fewer than 16 characters"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "different"),
        ("abababababababababababab", "different"),
        ("k8fQ2xZpk8fQ2xZp", "repeats"),
        ("0123456789012345", "kinds"),
        ("abcdefghijklmnopqrstuvwxyz", "kinds"),
        ("4839205718264930", "kinds"),
        ("radiussecretpassword", "kinds"),
        ("testing123testing1234", "kinds"),
    ],
)
def test_weak_ones(secret: str, words: str):
    assert words in weakness(secret.encode())


def test_random_ones_are_good():
    for _ in range(200):
        assert weakness(secrets.token_urlsafe(24).encode()) == ""
        assert weakness(secrets.token_hex(16).encode()) == ""


def test_the_error_says_whose_it_is_and_not_what_it_is():
    settings = RadiusClientSettings("core", ("192.0.2.1",))
    with pytest.raises(WeakSecretError) as caught:
        NasClient(settings, b"radiussecretpassword")
    assert "core" in str(caught.value)
    assert "drumtower dot1x secret" in str(caught.value)
    assert "radiussecret" not in str(caught.value)
