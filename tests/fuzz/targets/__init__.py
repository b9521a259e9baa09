"""All targets: importing this package registers them."""

from tests.fuzz.targets import dot1x, eap_server, keying, processes, sound, streams, transports, video, wire  # noqa: F401
