"""Codecs: what FFmpeg inside PyAV can do, libopus, and SRTP."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import Settings
from drumtower.checks.finding import Finding, fail, ok

# (name in FFmpeg, mode, what it is for)
_NEEDED = (
    ("h264", "r", "decode H.264"),
    ("libx264", "w", "encode H.264"),
    ("vp8", "r", "decode VP8"),
    ("libvpx", "w", "encode VP8"),
    ("libopus", "w", "sound of recordings"),
)
_REINSTALL = "make install (or pip install --force-reinstall av): the wheels of PyAV carry it"


def check_codecs(_settings: Settings) -> Iterator[Finding]:
    """Everything that mixing needs is there and loads."""
    try:
        import av
        import av.codec
    except ImportError as error:
        yield fail("codecs", f"PyAV does not load: {error}", _REINSTALL)
        return
    missing = [f"{name} ({use})" for name, mode, use in _NEEDED if not _has(av.codec.Codec, name, mode)]
    if missing:
        yield fail("codecs", f"PyAV {av.__version__} lacks {', '.join(missing)}", _REINSTALL)
    else:
        yield ok("codecs", f"PyAV {av.__version__} has {', '.join(name for name, _, _ in _NEEDED)}")


def check_libraries(_settings: Settings) -> Iterator[Finding]:
    """Libopus and libsrtp load."""
    try:
        from mcu.audio.opus import version

        yield ok("codecs", version())
    except (ImportError, OSError, RuntimeError) as error:
        yield fail("codecs", f"libopus does not load: {error}", "apt install libopus0")
    try:
        import pylibsrtp  # noqa: F401 - only whether it loads

        yield ok("codecs", "libsrtp loads")
    except (ImportError, OSError) as error:
        yield fail("codecs", f"libsrtp does not load: {error}", "pip install --force-reinstall pylibsrtp")


def _has(codec: type, name: str, mode: str) -> bool:
    try:
        codec(name, mode)
    except ValueError:
        return False
    return True
