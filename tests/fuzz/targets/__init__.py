"""All targets: importing this package registers them."""

from tests.fuzz.targets import (  # noqa: F401
    dot1x,
    eap_peer,
    eap_server,
    keying,
    processes,
    radius,
    sound,
    streams,
    transports,
    video,
    wire,
)
