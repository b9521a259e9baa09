"""All targets: importing this package registers them."""

from tests.fuzz.targets import processes, sound, streams, transports, video, wire  # noqa: F401
