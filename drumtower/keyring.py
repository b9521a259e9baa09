"""Keys and secrets as the settings describe them; shared by the server and the other commands."""

from __future__ import annotations

from pathlib import Path

from config.environment import take_secret
from config.settings import Settings
from crypto.keys import KeyFault, MasterKey, obtain
from crypto.passcode import PasscodeHasher
from crypto.secret import Secret
from crypto.secret_file import SecretFault, read_secret
from signaling.webrtc.turn import Relays


def master_key(settings: Settings) -> MasterKey:
    """The master key, from where the settings say; made at the first call. Raises crypto.keys.KeyFault."""
    secrets = settings.secrets
    return obtain(
        data=settings.data,
        file=Path(secrets.master_key_file).expanduser(),
        credential=Path(secrets.credential_file) if secrets.credential_file else None,
        passphrase=secrets.passphrase,
        passphrase_file=Path(secrets.passphrase_file) if secrets.passphrase_file else None,
    )


def relays(settings: Settings) -> Relays:
    """The TURN servers of browsers, with the secret from its file or from the environment. Raises KeyFault."""
    webrtc = settings.webrtc
    given = take_secret("DRUMTOWER_TURN_SECRET") or ""
    try:
        secret = read_secret(Path(webrtc.turn_secret_file)) if webrtc.turn_secret_file else Secret(given)
    except SecretFault as fault:
        raise KeyFault(str(fault)) from None
    if any(url.startswith("turn") for url in webrtc.turn_urls) and not secret.reveal():
        raise KeyFault("[webrtc] turn_urls: their secret is missing; set turn_secret_file or DRUMTOWER_TURN_SECRET")
    return Relays(webrtc.turn_urls, secret, webrtc.turn_lifetime_s, webrtc.relay_only)


def passcode_hasher(settings: Settings, master: MasterKey) -> PasscodeHasher:
    """The hasher of passcodes and passwords; its pepper is derived from the master key, so it is in no database."""
    gate = settings.gate
    return PasscodeHasher(
        master.derive("pepper"),
        memory_kib=gate.hash_memory_kib,
        iterations=gate.hash_iterations,
        at_once=gate.hashes_at_once,
        max_waiting=gate.max_hashes_waiting,
    )
