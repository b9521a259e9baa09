"""The relay of our own does to packets what it says."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import suppress

from tests.interop.namespace import SERVER
from tests.interop.relay import THERE, Relay
from tests.link import Path as Way

_ECHO = f"""
import socket
port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port.bind(("{THERE}", 7777))
print("ready", flush=True)
while True:
    data, source = port.recvfrom(2000)
    port.sendto(data[:8], source)
"""


def test_the_relay_loses_and_delays_what_it_is_told_to() -> None:
    relay = Relay(Way(loss=0.1, delay_ms=30), Way(delay_ms=30))
    echo = subprocess.Popen([*relay.prefix, sys.executable, "-c", _ECHO], stdout=subprocess.PIPE)
    try:
        assert echo.stdout is not None
        echo.stdout.readline()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
            here.bind((SERVER, 0))
            here.settimeout(1)
            sent_s = time.monotonic()
            for number in range(100):
                here.sendto(number.to_bytes(8, "big"), (THERE, 7777))
            here.recv(100)
            assert time.monotonic() - sent_s >= 0.06
            count = 1
            with suppress(TimeoutError):
                while here.recv(100):
                    count += 1
        assert count == relay.down.passed == 100 - relay.down.lost
        assert 0 < relay.down.lost < 30
    finally:
        echo.kill()
        echo.communicate()
        relay.close()
