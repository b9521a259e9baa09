"""Python's interpreter, told what kind of program this is."""

from __future__ import annotations

import gc
import logging
import sys

_THRESHOLDS = (20_000, 20, 50)
_SWITCH_INTERVAL_S = 0.001


def settle() -> None:
    """What was made until now stays; cycles are looked for less often; no thread keeps the event loop waiting for long.

    A server keeps its modules and tables for ever and makes many short-lived values for each message, hardly any of
    them in cycles: collecting by the defaults costs a quarter of the time that a call takes (`bench sip`). The threads
    of the database and the log hold the interpreter for up to 5 ms by default (`bench register`). No line of the log
    names a thread or a process by Python's means: finding them out is a third of what a line costs.
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
