"""What every process of a worker does before it does its own work: arguments, logs, signals, no core dumps."""

from __future__ import annotations

import argparse
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable

from config.environment import log_level
from mcu.worker.channel import Channel, ChannelClosed

logger = logging.getLogger(__name__)
_GIL_SWITCH_INTERVAL_S = 0.0005


def run_process(name: str, main: Callable[[Channel], None]) -> None:
    """Run `main` on the control channel whose descriptor --fd names; return when it returns or control is gone.

    Keys and pictures live in these processes, so core dumps are off. The interpreter switches threads often, since a
    packet loop would otherwise starve codec threads (and the other way round).
    """
    parser = argparse.ArgumentParser(prog=f"drumtower-{name}")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the control channel")
    arguments, _ = parser.parse_known_args()  # a process may know further options
    logging.basicConfig(
        stream=sys.stderr,
        level=log_level(),
        format=f"%(asctime)s {name} %(levelname)s %(name)s: %(message)s",
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setswitchinterval(_GIL_SWITCH_INTERVAL_S)
    gc.freeze()
    with socket.socket(fileno=arguments.fd) as inherited:
        control = Channel(inherited.dup())  # its number may be beyond what select() takes
    try:
        main(control)
    except ChannelClosed:
        logger.info("process=%s control is gone, leaving", name)
